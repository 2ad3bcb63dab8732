// Proofs as in RFC 6962 §2.1.1 and §2.1.2. Making one walks down from the root; each step is one look-up for a complete
// subtree, and the ragged right edge is put together from its complete parts. Checking follows the algorithms of RFC 9162
// §2.1.3.2 and §2.1.4.2, which prove the same trees with less bookkeeping than the original text.

/// Makes proofs over a tree whose complete subtrees can be looked up. O(log² n) look-ups at most.
struct MerkleProver {
    let node: (NodePlace) throws -> MerkleHash

    /// The path from leaf `index` to the root of the first `size` leaves.
    func inclusion(of index: Int64, size: Int64) throws -> [MerkleHash] {
        try path(to: index, in: 0..<size)
    }

    /// Shows that the first `old` leaves are the beginning of the first `size`.
    func consistency(from old: Int64, to size: Int64) throws -> [MerkleHash] {
        old == 0 || old == size ? [] : try subproof(old, in: 0..<size, isWhole: true)
    }

    func root(of leaves: Range<Int64>) throws -> MerkleHash {
        let count = leaves.upperBound - leaves.lowerBound
        if count == 0 { return .empty }
        if count & (count - 1) == 0 {
            let level = count.trailingZeroBitCount
            return try node(NodePlace(level: level, index: leaves.lowerBound >> level))
        }
        let middle = split(leaves)
        return .node(
            try root(of: leaves.lowerBound..<middle), try root(of: middle..<leaves.upperBound))
    }

    private func split(_ leaves: Range<Int64>) -> Int64 {
        let count = leaves.upperBound - leaves.lowerBound
        return leaves.lowerBound + 1 << (63 - (count - 1).leadingZeroBitCount)
    }

    private func path(to index: Int64, in leaves: Range<Int64>) throws -> [MerkleHash] {
        if leaves.upperBound - leaves.lowerBound == 1 { return [] }
        let middle = split(leaves)
        let left = leaves.lowerBound..<middle
        let right = middle..<leaves.upperBound
        return index < middle
            ? try path(to: index, in: left) + [try root(of: right)]
            : try path(to: index, in: right) + [try root(of: left)]
    }

    private func subproof(_ old: Int64, in leaves: Range<Int64>, isWhole: Bool) throws -> [MerkleHash] {
        if old == leaves.upperBound { return isWhole ? [] : [try root(of: leaves)] }
        let middle = split(leaves)
        let left = leaves.lowerBound..<middle
        let right = middle..<leaves.upperBound
        return old <= middle
            ? try subproof(old, in: left, isWhole: isWhole) + [try root(of: right)]
            : try subproof(old, in: right, isWhole: false) + [try root(of: left)]
    }
}

/// That one entry is in the tree.
public struct InclusionProof: Sendable, Hashable {
    public let index: Int64
    public let size: Int64
    /// From the leaf's neighbour upwards.
    public let hashes: [MerkleHash]

    public init(index: Int64, size: Int64, hashes: [MerkleHash]) {
        self.index = index
        self.size = size
        self.hashes = hashes
    }

    /// Whether `leaf` is entry `index` of the tree that `head` stands for (RFC 9162 §2.1.3.2).
    public func proves(_ leaf: MerkleHash, in head: TreeHead) -> Bool {
        guard head.size == size, index >= 0, index < size else { return false }
        var position = index
        var last = size - 1
        var hash = leaf
        for sibling in hashes {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                hash = .node(sibling, hash)
                while position & 1 == 0 && position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = .node(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && hash == head.root
    }
}

/// That one tree is the beginning of another.
public struct ConsistencyProof: Sendable, Hashable {
    public let oldSize: Int64
    public let newSize: Int64
    public let hashes: [MerkleHash]

    public init(oldSize: Int64, newSize: Int64, hashes: [MerkleHash]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.hashes = hashes
    }

    /// Whether the tree of `new` begins with the tree of `old` (RFC 9162 §2.1.4.2).
    public func proves(_ old: TreeHead, isPrefixOf new: TreeHead) -> Bool {
        guard old.size == oldSize, new.size == newSize, oldSize >= 0, oldSize <= newSize else { return false }
        if oldSize == newSize { return hashes.isEmpty && old.root == new.root }
        if oldSize == 0 { return hashes.isEmpty && old.root == .empty }
        var path = hashes
        if oldSize & (oldSize - 1) == 0 { path.insert(old.root, at: 0) }
        guard let first = path.first else { return false }
        var position = oldSize - 1
        var last = newSize - 1
        while position & 1 == 1 {
            position >>= 1
            last >>= 1
        }
        var oldHash = first
        var newHash = first
        for hash in path.dropFirst() {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                oldHash = .node(hash, oldHash)
                newHash = .node(hash, newHash)
                while position & 1 == 0 && position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                newHash = .node(newHash, hash)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && oldHash == old.root && newHash == new.root
    }
}
