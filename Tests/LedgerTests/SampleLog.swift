@testable import Ledger

/// A tree with all its nodes in memory.
struct SampleLog {
    var leaves: [MerkleHash] = []
    private var heads: [TreeHead] = [TreeHead(size: 0, root: .empty)]
    private var nodes: [NodePlace: MerkleHash] = [:]

    init(size: Int64) {
        var tree = CompactTree()
        for number in 0..<size {
            let leaf = MerkleHash.leaf("leaf \(number)".utf8)
            leaves.append(leaf)
            tree.append(leaf: leaf) { nodes[$0] = $1 }
            heads.append(TreeHead(size: tree.size, root: tree.root))
        }
    }

    func head(_ size: Int64) -> TreeHead { heads[Int(size)] }

    private var prover: MerkleProver { MerkleProver { nodes[$0]! } }

    func inclusion(of index: Int64, size: Int64) throws -> InclusionProof {
        InclusionProof(index: index, size: size, hashes: try prover.inclusion(of: index, size: size))
    }

    func consistency(from old: Int64, to size: Int64) throws -> ConsistencyProof {
        ConsistencyProof(oldSize: old, newSize: size, hashes: try prover.consistency(from: old, to: size))
    }
}
