import Ledger
import Testing

/// Goal: the tree is RFC 6962's, and proofs convince exactly when they should.
/// Method: the published roots of the sample leaves of the Certificate Transparency project; every proof of every size up to
/// 40 against the verifiers, and each proof again with one thing changed.
@Suite struct MerkleTests {
    /// <https://github.com/google/certificate-transparency> (`merkletree` tests)
    static let leaves: [[UInt8]] = [
        [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43], Array(0x50...0x57),
        Array(0x60...0x6f),
    ]
    static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func `the roots of the sample leaves are the published ones`() {
        var tree = CompactTree()
        for (size, root) in Self.roots.enumerated() {
            #expect(tree.root.description == root, "size \(size)")
            if size < Self.leaves.count { tree.append(leaf: .leaf(Self.leaves[size])) }
        }
    }

    @Test func `each complete subtree is handed out once and the number of nodes stays below two for a leaf`() {
        var tree = CompactTree()
        var places: Set<NodePlace> = []
        for number in 0..<1000 {
            tree.append(leaf: .leaf([UInt8(truncatingIfNeeded: number)])) { place, _ in
                #expect(places.insert(place).inserted)
                #expect(place.leaves.upperBound == Int64(number) + 1)
            }
        }
        #expect(places.count < 2000)
    }

    static let sizes: [Int64] = Array(1...40)

    @Test(arguments: sizes)
    func `an inclusion proof convinces for its leaf alone`(size: Int64) throws {
        let log = SampleLog(size: size)
        for index in 0..<size {
            let proof = try log.inclusion(of: index, size: size)
            #expect(proof.proves(log.leaves[Int(index)], in: log.head(size)))
            #expect(!proof.proves(.leaf([9, 9, 9]), in: log.head(size)))
            if size > 1 {
                let other = InclusionProof(index: (index + 1) % size, size: size, hashes: proof.hashes)
                #expect(!other.proves(log.leaves[Int(index)], in: log.head(size)))
                let short = InclusionProof(index: index, size: size, hashes: proof.hashes.dropLast())
                #expect(!short.proves(log.leaves[Int(index)], in: log.head(size)))
                let long = InclusionProof(index: index, size: size, hashes: proof.hashes + [.empty])
                #expect(!long.proves(log.leaves[Int(index)], in: log.head(size)))
            }
        }
    }

    @Test(arguments: sizes)
    func `a consistency proof convinces for a true beginning alone`(size: Int64) throws {
        let log = SampleLog(size: size)
        for old in 0...size {
            let proof = try log.consistency(from: old, to: size)
            #expect(proof.proves(log.head(old), isPrefixOf: log.head(size)))
            let forged = TreeHead(size: old, root: .leaf([1, 2, 3]))
            #expect(!proof.proves(forged, isPrefixOf: log.head(size)))
            // Nothing is the beginning of everything.
            #expect(old == 0 || !proof.proves(log.head(old), isPrefixOf: TreeHead(size: size, root: .leaf([4]))))
            for place in proof.hashes.indices {
                var hashes = proof.hashes
                hashes[place] = .empty
                let bent = ConsistencyProof(oldSize: old, newSize: size, hashes: hashes)
                #expect(!bent.proves(log.head(old), isPrefixOf: log.head(size)))
            }
        }
    }
}
