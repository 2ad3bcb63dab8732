import Units

/// How long a receiver wants us to wait, by its `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
///
/// - Returns: at most an hour, since nobody shall stop us for a day; nil where the text is neither.
func retryDelay(_ text: String, now: Timestamp) -> Duration? {
    let most = Duration.seconds(3600)
    if !text.isEmpty, text.utf8.allSatisfy({ $0 &- 48 < 10 }) {
        // More digits than fit are a very long time.
        return Int64(text).map { min(.seconds($0), most) } ?? most
    }
    guard let date = instant(ofDate: text) else { return nil }
    return min(max(.zero, date - now), most)
}

private let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that senders may write (RFC 9110, section 5.6.7).
private func instant(ofDate text: String) -> Timestamp? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[0].hasSuffix(","), words[5] == "GMT", let day = Int(words[1]),
        let month = months.firstIndex(of: String(words[2])), let year = Int(words[3])
    else { return nil }
    let time = words[4].split(separator: ":").compactMap { Int($0) }
    guard time.count == 3, (1...31).contains(day), (0...9999).contains(year), (0..<24).contains(time[0]),
        (0..<60).contains(time[1]), (0...60).contains(time[2])
    else { return nil }
    func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return Timestamp(
        rfc3339: "\(padded(year, 4))-\(padded(month + 1, 2))-\(padded(day, 2))T\(words[4])Z")
}
