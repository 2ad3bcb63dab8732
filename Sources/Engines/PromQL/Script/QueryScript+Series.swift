extension QueryScript {
    /// Reads one series with its values, as other files than scripts write them: unit tests of rules, for instance.
    /// - Parameters:
    ///   - series: `name{label="value"}`; `{}` has no labels.
    ///   - values: `1 2+3x4 _ stale {{sum:1 count:1 buckets:[1]}}x2`, over as many lines as one likes.
    /// - Throws: what makes no sense, without a line.
    public static func series(_ series: String, _ values: String) throws(ScriptFault) -> Definition {
        func oneLine(_ text: String) -> String {
            String(text.map { $0.isNewline ? " " : $0 }.drop { $0 == " " })
        }
        return try definition(Substring("\(oneLine(series)) \(oneLine(values))"), at: 1)
    }
}
