import TestSupport

extension QueryGenerator {
    mutating func unmixed(_ depth: Int) -> Made {
        while true {
            let made = vector(depth)
            if !made.isMixed { return made }
        }
    }

    /// One whose digits do not depend on rounding.
    mutating func steady(_ depth: Int) -> Made {
        while true {
            let made = vector(depth)
            if made.exactness != .rounded { return made }
        }
    }

    mutating func vector(_ depth: Int) -> Made {
        guard depth > 0 else {
            var made = selector(mayMix: true)
            made.text += modifiers()
            return made
        }
        switch random.next(20) {
        case 0...4: return rangeCall(depth)
        case 5...7: return aggregation(depth)
        case 8...9: return withScalar(depth)
        case 10...12: return joined(depth)
        case 13...14: return elementCall(depth)
        case 15: return relabelled(depth)
        case 16: return histogram(depth)
        case 17: return setOperation(depth)
        case 18: return special(depth)
        default:
            var made = unmixed(depth - 1)
            switch random.next(3) {
            case 0: made.text = "-(\(made.text))"
            case 1: made.text = "(\(made.text))"
            default: made.text = "+\(random.next(2) == 0 ? "(\(made.text))" : "(-(\(made.text)))")"
            }
            return made
        }
    }

    // MARK: Functions of ranges

    private mutating func rangeCall(_ depth: Int) -> Made {
        switch random.next(6) {
        case 0:
            var made = matrix(depth, .counter)
            made.text = "\(random.pick(["rate", "increase"]))(\(made.text))"
            made.exactness = max(made.exactness, .exact)
            return made
        case 1:
            // Step functions of the samples.
            var made = matrix(depth, .any)
            guard made.exactness != .rounded else { return rangeCall(depth) }
            let function = random.pick(["changes", "resets", "irate", "idelta", "delta"])
            if function.hasSuffix("e") || function.hasSuffix("a") { made.exactness = .exact }
            if function == "changes" || function == "resets" { (made.exactness, made.isFinite) = (.whole, true) }
            made.text = "\(function)(\(made.text))"
            return made
        case 2:
            var made = matrix(depth, .any)
            guard made.isFinite, made.exactness != .rounded else { return rangeCall(depth) }
            switch random.next(6) {
            case 0: made.text = "avg_over_time(\(made.text))"
            case 1: made.text = "stddev_over_time(\(made.text))"
            case 2: made.text = "stdvar_over_time(\(made.text))"
            case 3: made.text = "deriv(\(made.text))"
            case 4 where !made.text.contains("@"):
                made.text = "predict_linear(\(made.text), \(random.pick(["60", "-600", "3600.5", "0"])))"
            default:
                let factors = random.pick(["0.5, 0.5", "0.1, 0.9", "0.99, 0.01"])
                made.text = "double_exponential_smoothing(\(made.text), \(factors))"
                made.isFinite = false
                made.exactness = .exact
                return made
            }
            made.exactness = .rounded
            return made
        case 3:
            var made = matrix(depth, .any)
            made.text =
                "quantile_over_time(\(random.pick(["0", "0.5", "0.9", "1", "-1", "2", "0.333", "NaN"])), \(made.text))"
            made.exactness = max(made.exactness, .exact)
            made.isFinite = false
            return made
        case 4:
            var made = matrix(depth, .any)
            made.text = "\(random.pick(["count_over_time", "present_over_time", "absent_over_time"]))(\(made.text))"
            (made.exactness, made.isFinite) = (.whole, true)
            return made
        default:
            var made = matrix(depth, .any)
            let function = random.pick(["min_over_time", "max_over_time", "sum_over_time", "last_over_time"])
            made.text = "\(function)(\(made.text))"
            return made
        }
    }

    // MARK: Aggregations

    /// Series whose values are hardly ever equal.
    private mutating func unequal() -> Made {
        let name = random.pick(["requests_total", "work_seconds_total", "temperature{sensor=\"in\"}"])
        switch random.next(4) {
        case 0 where !name.hasPrefix("temp"):
            return Made(text: "rate(\(name)[\(random.pick(["5m", "17m"]))]\(modifiers()))", exactness: .exact)
        case 1: return Made(text: "\(name)\(modifiers()) * \(random.pick(["-1", "0.7"]))", exactness: .exact)
        default: return Made(text: name + modifiers(), exactness: .exact)
        }
    }

    private mutating func grouping() -> String {
        let label = { (random: inout SeededGenerator) in
            random.pick(["job", "instance", "code", "queue", "le", "sensor", "other"])
        }
        switch random.next(4) {
        case 0: return ""
        case 1: return "by (\(label(&random)))"
        case 2: return "by (\(label(&random)), \(label(&random)))"
        default: return "without (\(label(&random)))"
        }
    }

    /// The grouping stands in front of the parentheses or behind.
    private mutating func aggregate(_ op: String, _ arguments: String) -> String {
        let group = grouping()
        return random.next(3) == 0 ? "\(op)(\(arguments)) \(group)" : "\(op) \(group)(\(arguments))"
    }

    private mutating func aggregation(_ depth: Int) -> Made {
        switch random.next(6) {
        case 0:
            var made = vector(depth - 1)
            guard made.isFinite else { return aggregation(depth) }
            made.text = aggregate(random.pick(["avg", "stddev", "stdvar"]), made.text)
            made.exactness = .rounded
            made.isMixed = false
            return made
        case 1:
            var made = vector(depth - 1)
            made.text = aggregate("sum", made.text)
            if made.exactness != .whole || !made.isFinite { made.exactness = .rounded }
            made.isMixed = false
            return made
        case 2:
            var made = vector(depth - 1)
            made.text = aggregate(random.pick(["count", "group"]), made.text)
            return Made(text: made.text)
        case 3:
            var made = unequal()
            let count = random.pick(["1", "2", "3", "0", "-1", "100", "4 / 2", "2.9"])
            made.text = aggregate(random.pick(["topk", "bottomk"]), "\(count), \(made.text)")
            return made
        case 4:
            var made = steady(depth - 1)
            if random.next(3) == 0 {
                made.text = aggregate("count_values", "\"value\", \(made.text)")
                return Made(text: made.text)
            }
            made.text = aggregate(
                "quantile", "\(random.pick(["0", "0.5", "0.95", "1", "-0.1", "1.1", "NaN"])), \(made.text)")
            made.exactness = max(made.exactness, .exact)
            (made.isFinite, made.isMixed) = (false, false)
            return made
        default:
            var made = vector(depth - 1)
            made.text = aggregate(random.pick(["min", "max"]), made.text)
            made.isMixed = false
            return made
        }
    }

    // MARK: Operators

    mutating func scalar(_ depth: Int) -> Made {
        switch random.next(depth > 0 ? 9 : 6) {
        case 0: return Made(text: random.pick(["0", "1", "-1", "2", "10", "100"]))
        case 1:
            return Made(
                text: random.pick(["0.5", "1e3", "0x1F", "-2.5", "1e-7", ".25", "4321.125", "1e21", "12e30"]),
                exactness: .exact)
        case 2:
            return Made(text: random.pick(["NaN", "Inf", "-Inf", "+Inf", "inf"]), exactness: .exact, isFinite: false)
        case 3: return Made(text: "time()", exactness: .exact, isFinite: false)
        case 4: return Made(text: "scalar(limit)", isFinite: false)
        case 5: return Made(text: "pi()", exactness: .exact)
        case 6:
            let inner = vector(depth - 1)
            return Made(text: "scalar(\(inner.text))", exactness: inner.exactness, isFinite: false)
        case 7:
            let (left, right) = (steadyScalar(depth - 1), steadyScalar(depth - 1))
            let op = random.pick(["+", "-", "*", "/", "%", "== bool", "> bool", "<= bool", "!= bool"])
            return Made(text: "(\(left.text)) \(op) (\(right.text))", exactness: .exact, isFinite: false)
        default:
            var made = scalar(depth - 1)
            made.text = "-(\(made.text))"
            return made
        }
    }

    private mutating func steadyScalar(_ depth: Int) -> Made {
        while true {
            let made = scalar(depth)
            if made.exactness != .rounded { return made }
        }
    }

    private mutating func withScalar(_ depth: Int) -> Made {
        var made = vector(depth - 1)
        let number = steadyScalar(depth - 1)
        if made.exactness == .rounded {
            made.text = "(\(made.text)) \(random.pick(["*", "/"])) \(random.pick(["2", "0.1", "-3", "60"]))"
            made.isMixed = false
            return made
        }
        let arithmetic = ["+", "-", "*", "/", "%"]
        let comparisons = ["==", "!=", ">", "<", ">=", "<="]
        switch random.next(4) {
        case 0:
            let op = random.pick(comparisons)
            made.text =
                random.next(4) == 0 ? "(\(number.text)) \(op) (\(made.text))" : "(\(made.text)) \(op) (\(number.text))"
            return made
        case 1:
            let text = "(\(made.text)) \(random.pick(comparisons)) bool (\(number.text))"
            return Made(text: text)
        case 2 where random.next(2) == 0 && !made.isMixed:
            let op = random.pick(["^", "atan2"])
            let text = "(\(made.text)) \(op) (\(number.text))"
            return Made(text: op == "^" ? text : "max by (instance) (\(text))", exactness: .rounded, isFinite: false)
        default:
            let op = random.pick(arithmetic)
            let text =
                random.next(3) == 0 ? "(\(number.text)) \(op) (\(made.text))" : "(\(made.text)) \(op) (\(number.text))"
            let staysFinite = made.isFinite && number.isFinite && op != "/" && op != "%"
            let isWhole = made.exactness == .whole && number.exactness == .whole && op != "/"
            return Made(text: text, exactness: isWhole ? .whole : .exact, isFinite: staysFinite)
        }
    }

    private mutating func matching() -> String {
        switch random.next(8) {
        case 0: return "on (instance)"
        case 1: return "on (job, instance)"
        case 2: return "ignoring (code, queue)"
        case 3: return "on (job, instance) group_left ()"
        case 4: return "on (job, instance) group_left (version)"
        case 5: return "on (instance) group_right (job)"
        case 6: return "ignoring (code, version) group_left (version)"
        default: return ""
        }
    }

    private mutating func joined(_ depth: Int) -> Made {
        // Most random pairs match nothing: half of the time both sides are of one family.
        let left = steady(depth - 1)
        var right = steady(depth - 1)
        if random.next(2) == 0 {
            let name = random.pick([
                "requests_total", "errors_total", "flag", "build", "queue_length", "latency_seconds_count",
            ])
            right = Made(text: name + modifiers())
        }
        let op = random.pick(["+", "-", "*", "/", "%", "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool", "+", "/"])
        let text = "(\(left.text)) \(op) \(matching()) (\(right.text))"
        if op.hasSuffix("bool") { return Made(text: text) }
        let isArithmetic = ["+", "-", "*", "/", "%"].contains(op)
        let isFinite = left.isFinite && right.isFinite && op != "/" && op != "%"
        let isWhole = left.exactness == .whole && right.exactness == .whole && op != "/"
        if isArithmetic { return Made(text: text, exactness: isWhole ? .whole : .exact, isFinite: isFinite) }
        return Made(text: text, exactness: left.exactness, isFinite: left.isFinite, isMixed: left.isMixed)
    }

    private mutating func setOperation(_ depth: Int) -> Made {
        let (left, right) = (vector(depth - 1), vector(depth - 1))
        let op = random.pick(["and", "or", "unless"])
        let on = random.pick(["", "", "on (job)", "on (instance, job)", "ignoring (code, le)", "on ()"])
        let text = "(\(left.text)) \(op) \(on) (\(right.text))"
        if op != "or" {
            return Made(text: text, exactness: left.exactness, isFinite: left.isFinite, isMixed: left.isMixed)
        }
        return Made(
            text: text, exactness: max(left.exactness, right.exactness), isFinite: left.isFinite && right.isFinite,
            isMixed: true)
    }

    // MARK: Functions of instants

    private mutating func elementCall(_ depth: Int) -> Made {
        if random.next(3) == 0 {
            // Continuous, so that rounding stays rounding.
            var made = vector(depth - 1)
            made.isMixed = false
            switch random.next(5) {
            case 0: made.text = "abs(\(made.text))"
            case 1: made.text = "clamp(\(made.text), -3, 1e6)"
            case 2: made.text = "clamp_max(\(made.text), 12)"
            case 3: made.text = "clamp_min(\(made.text), -2.5)"
            default:
                made.text = "\(random.pick(["deg", "rad"]))(\(made.text))"
                made.exactness = max(made.exactness, .exact)
            }
            return made
        }
        var made = steady(depth - 1)
        made.isMixed = false
        switch random.next(5) {
        case 0:
            made.text = "\(random.pick(["ceil", "floor", "sgn"]))(\(made.text))"
            made.exactness = max(made.exactness, .exact)
        case 1:
            let nearest = random.pick(["", "", ", 0.1", ", 7", ", -2", ", 0", ", scalar(limit)"])
            made.text = "round(\(made.text)\(nearest))"
            (made.exactness, made.isFinite) = (.exact, false)
        case 2:
            made.text = "sqrt(\(made.text))"
            (made.exactness, made.isFinite) = (.exact, false)
        case 3 where made.isFinite:
            let function = random.pick([
                "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year",
            ])
            return Made(text: "\(function)(clamp(\(made.text), -1e9, 4e9))", isFinite: false)
        default:
            let function = random.pick([
                "exp", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
                "asinh",
                "acosh", "atanh",
            ])
            // Beyond some thousand the two libraries reduce angles in other ways.
            made.text = "\(function)(clamp(\(made.text), -300, 300))"
            (made.exactness, made.isFinite) = (.rounded, false)
        }
        return made
    }

    private mutating func relabelled(_ depth: Int) -> Made {
        var made = unmixed(depth - 1)
        switch random.next(4) {
        case 0:
            let source = random.pick(["job", "instance", "code", "other"])
            let pattern = random.pick(["(.*)", "(.).*:(\\\\d+)", "a(.*)", "", "(?P<first>[a-z])(.*)"])
            let replacement = random.pick(["$1", "x-$1", "${1}y", "", "$2$1", "$first", "$$"])
            made.text =
                "label_replace(\(made.text), \"\(random.pick(["made", "job", "instance"]))\", \"\(replacement)\", \"\(source)\", \"\(pattern)\")"
        case 1:
            made.text =
                "label_join(\(made.text), \"\(random.pick(["made", "job"]))\", \"\(random.pick(["-", "", ", "]))\", \"instance\", \"job\")"
        case 2: made.text = "label_join(\(made.text), \"made\", \"/\")"
        default: made.text = "label_replace(\(made.text), \"le\", \"\", \"\", \"\")"
        }
        // Labels that were taken away may have told series apart.
        made.isMixed = true
        return made
    }

    private mutating func histogram(_ depth: Int) -> Made {
        let phi = random.pick(["0.5", "0.9", "0.25", "0.99", "0.01", "-1", "2", "NaN"])
        let selector = "latency_seconds_bucket" + random.pick(["", "{job=\"api\"}", "{instance!=\"a:1\"}"])
        let offset = modifiers()
        let text: String
        switch random.next(4) {
        case 0: text = selector + offset
        case 1: text = "rate(\(selector)[5m]\(offset))"
        case 2: text = "sum by (le, job) (rate(\(selector)[10m]\(offset)))"
        default: text = "sum by (le) (\(selector)\(offset))"
        }
        if random.next(10) == 0 {
            return Made(text: "histogram_quantile(\(phi), \(unmixed(0).text))", exactness: .exact, isFinite: false)
        }
        return Made(text: "histogram_quantile(\(phi), \(text))", exactness: .rounded, isFinite: false)
    }

    private mutating func special(_ depth: Int) -> Made {
        switch random.next(6) {
        case 0: return Made(text: "absent(\(vector(depth - 1).text))")
        case 1:
            var made = scalar(depth)
            made.text = "vector(\(made.text))"
            return made
        case 2:
            // Not of a selector: see below.
            let inner = unmixed(depth - 1)
            return Made(text: "timestamp(-(\(inner.text)))", exactness: .exact, isFinite: false)
        case 3: return Made(text: "\(random.pick(["hour", "minute", "month", "day_of_week", "year"]))()")
        case 4:
            var made = selector()
            let shift = random.pick(["", " offset 1m", " @ 1699921234.563", " @ end()", " offset -30s"])
            made.text = "timestamp(\(made.text)\(shift))"
            (made.exactness, made.isFinite) = (.exact, false)
            return made
        default:
            let inner = vector(depth - 1)
            return Made(
                text: "\(random.pick(["sort", "sort_desc"]))(\(inner.text))", exactness: inner.exactness,
                isFinite: inner.isFinite, isMixed: inner.isMixed)
        }
    }

    // MARK: What must be refused

    /// Mostly an expression that both must refuse, some of which turn out to be fine.
    mutating func wrong() -> String {
        let inner = vector(random.next(2)).text
        let number = scalar(0).text
        let forms = [
            "sum(\(number))", "rate(\(inner))", "abs(\(number))", "vector(\(inner))", "scalar(\(number))", "\(inner) +",
            "(\(inner)", "\(inner))", "sum(\(inner)[5m])", "\(number) == \(number)", "\(inner) + bool 1",
            "\(inner) and 1", "\(inner) and on (job) group_left \(inner)", "\(inner) + on (job) 1", "{}", "{job=\"\"}",
            "{job=~\".*\"}", "flag{job=~\"(\"}", "flag{job=}", "flag{job}", "flag[5m", "flag[0s]", "flag[5x]",
            "flag offset 5m offset 1m", "flag @ 1 @ 2", "flag offset 5m[5m]", "rate(flag[5m]", "nosuch(\(inner))",
            "topk(\(inner), flag)", "topk(\"a\", flag)", "count_values(1, flag)", "count_values(\"\", flag)",
            "quantile(flag)", "clamp(flag, 1)", "clamp(flag, 5, 1)", "round(flag, flag)",
            "label_replace(flag, \"x\", \"$1\", \"job\", \"(\")", "label_replace(flag, \"\", \"$1\", \"job\", \".*\")",
            "label_replace(flag, \"instance\", \"same\", \"job\", \".*\")",
            "label_join(flag, \"instance\", \"\", \"job\")",
            "flag + on (job, instance) group_left (job) build", "requests_total + on (job) errors_total",
            "requests_total * on (job) group_left flag", "flag == on () build", "topk(NaN, flag)", "topk(1e30, flag)",
            "sum by (job flag", "sum by (job,) (flag)", "sum by (1) (flag)", "'open", "\"\\q\"", "1e", "0x", "08",
            "flag{job=\"a\" instance=\"b\"}", "flag{job=\"a\",,}", "flag{,}", "flag{job=\"a\",}", "-\"a\"", "\"a\" + 1",
            "(flag[5m])[5m:]", "flag[5m:][5m:]", "time()[5m:]", "rate(time()[5m:1m])", "max_over_time(1[5m:1m])",
            "flag[5m]", "rate(flag[5m])[5m]", "absent(5)", "\(inner) ^ ", "and flag", "sum", "rate", "sum()", "by(job)",
            "min_over_time(flag[5m] offset 5m @ 10)", "flag @ NaN", "flag @ Inf", "flag @ 1e30",
            "flag offset -", "double_exponential_smoothing(flag[5m], 0, 0.5)",
            "double_exponential_smoothing(flag[5m], 0.5, 1.5)", "-requests_total",
            "-{__name__=~\"requests_total|errors_total\"}",
            "rate({__name__=~\"requests_total|errors_total\"}[5m])", "abs({__name__=~\"requests_total|errors_total\"})",
            "flag > bool flag bool", "flag group_left flag", "on(job) flag",
            "flag + ignoring(job) group_left(job) flag",
            "histogram_quantile(latency_seconds_bucket, 0.9)", "histogram_quantile(\"a\", flag)", "sum(flag, flag)",
            "time(1)", "hour(1)", "hour(flag, flag)", "label_join(flag)",
            "{__name__=\"flag\", __name__=\"build\"}", "flag{__name__=\"build\"}", "{__name__=~\"fl.g\"}", "", "   ",
            "# note",
            "flag # note", "flag\n+\nflag", "SUM(flag)", "Sum BY (job) (flag)", "flag AND flag", "flag OFFSET 1m",
            "Rate(flag[1m])",
        ]
        return random.pick(forms)
    }
}
