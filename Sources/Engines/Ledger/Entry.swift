public import Events

/// A line of the ledger: an event with its place.
public struct Entry: Sendable, Hashable {
    /// Counts from 0 without gaps; it is also the index of the entry's leaf in the Merkle tree.
    public let sequence: Int64
    public let event: Event

    public init(sequence: Int64, event: Event) {
        self.sequence = sequence
        self.event = event
    }
}
