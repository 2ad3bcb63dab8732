// A Merkle tree of n leaves needs only the roots of its complete subtrees to grow: one for each bit that is set in n, the
// largest on the left. Seven leaves:
//
//             ·                       kept: a (4 leaves), b (2 leaves), c (1 leaf), since 7 = 4 + 2 + 1
//           /   \                     root: node(a, node(b, c))
//          a     ·
//         / \   / \
//        ·   · b   c
//       ..  .. ..
//
// Appending works like adding one to a binary number: the new leaf is a subtree of one, and as long as the last two kept
// subtrees are of equal size they become one. That is one node on average and log₂ n at most. Each node that becomes
// complete is handed out once and never changes again, so storing them makes every proof a matter of look-ups.

/// Where a complete subtree stands: its 2^level leaves begin at `index` × 2^level.
public struct NodePlace: Sendable, Hashable {
    public let level: Int
    public let index: Int64

    public init(level: Int, index: Int64) {
        self.level = level
        self.index = index
    }

    /// The indices of the leaves below.
    public var leaves: Range<Int64> { (index << level)..<((index + 1) << level) }
}

/// The right edge of a growing Merkle tree (RFC 6962 §2.1): O(log n) memory, O(1) amortised for each leaf.
public struct CompactTree: Sendable, Hashable {
    /// The number of leaves.
    public private(set) var size: Int64 = 0
    /// Roots of the complete subtrees from left to right, one for each bit of `size` from the highest down.
    private var edge: [MerkleHash] = []

    public init() {}

    /// Takes up a tree of `size` leaves from its stored nodes.
    init(size: Int64, node: (NodePlace) throws -> MerkleHash) rethrows {
        self.size = size
        var start: Int64 = 0
        for level in stride(from: 62, through: 0, by: -1) where size >> level & 1 == 1 {
            edge.append(try node(NodePlace(level: level, index: start >> level)))
            start += 1 << level
        }
    }

    /// Adds a leaf and tells `completed` of each subtree that it completes: the leaf itself first, then upwards.
    public mutating func append(
        leaf: MerkleHash, completed: (NodePlace, MerkleHash) throws -> Void = { _, _ in }
    ) rethrows {
        var hash = leaf
        var place = NodePlace(level: 0, index: size)
        try completed(place, hash)
        while place.index & 1 == 1 {
            hash = .node(edge.removeLast(), hash)
            place = NodePlace(level: place.level + 1, index: place.index >> 1)
            try completed(place, hash)
        }
        edge.append(hash)
        size += 1
    }

    public var root: MerkleHash {
        guard var hash = edge.last else { return .empty }
        for left in edge.dropLast().reversed() { hash = .node(left, hash) }
        return hash
    }
}
