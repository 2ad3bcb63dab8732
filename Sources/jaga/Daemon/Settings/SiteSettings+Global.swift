import Scraping
import PromQL

// What a `global` section copied from a prometheus.yml says about rules and queries.
extension SiteSettings {
    /// How often rule groups without an interval are evaluated.
    var ruleInterval: Duration { global.evaluationInterval ?? rules.interval }

    /// As `queries` says. The step of a subquery that names none is `global.evaluation_interval`, as in the reference.
    var queryOptions: QueryOptions {
        var options = queries.options
        if let interval = global.evaluationInterval { options.subqueryStep = interval }
        return options
    }
}
