import Diagnostics
import Testing

/// Goal: summary and hint make one sentence in a list of faults. Method: hints with and without names at their beginning.
@Suite struct OneSentenceTests {
    @Test(arguments: [
        ("Write it like 'every 15m'.", "it failed; write it like 'every 15m'"),
        ("A day has 24 hours.", "it failed; a day has 24 hours"),
        ("SQL is not asked here.", "it failed; SQL is not asked here"),
        ("'jaga jobs' lists them.", "it failed; 'jaga jobs' lists them"),
        ("5 are too many", "it failed; 5 are too many"),
    ])
    func `a hint follows the semicolon in lower case, unless a name begins it`(hint: String, sentence: String) {
        #expect(PlainFailure("x", "it failed", hint: hint).inOneSentence == sentence)
    }

    @Test func `without a hint the summary stands alone`() {
        #expect(PlainFailure("x", "it failed").inOneSentence == "it failed")
    }
}
