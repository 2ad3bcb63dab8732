/// The texts of messages to receivers, in the order of the alphabet.
public enum MessageText: String, TextKey {
    case alertCount, ended, firing, labels, openingFiring, openingMixed, openingResolved, resolved, sentBy, since
    case subjectFiring, subjectResolved, testDescription, testSummary, truncated
}
