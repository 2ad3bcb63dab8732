// The automaton behind a regular expression, after Ken Thompson and Rob Pike
// (<https://swtch.com/~rsc/regexp/regexp2.html>). The pattern is compiled to instructions; running them keeps a list of
// threads, at most one for each instruction, that step through the text together. Where a choice is made, both ways are
// followed, the preferred one first, so that captures come out as a backtracking search would find them.

struct PatternProgram: Sendable {
    private enum Instruction: Sendable {
        case set(Int)
        case scalar(Unicode.Scalar)
        /// Follow both, the first one preferred.
        case split(Int, Int)
        case jump(Int)
        case save(Int)
        case assert(PatternNode.Assertion)
        case match
    }

    /// Past this size a counted repetition was nested; RE2 bounds the memory of its program likewise.
    private static let instructionCountMax = 20_000

    private var code: [Instruction] = []
    private var sets: [ScalarSet] = []
    private let groupCount: Int

    init(_ node: PatternNode, groupCount: Int, source: String) throws(PatternFault) {
        self.groupCount = groupCount
        guard emit(node) else {
            throw PatternFault(pattern: source, reason: "expression is too large")
        }
        code.append(.match)
    }

    // MARK: Compiling

    /// - Returns: false when the program grew past its bound.
    private mutating func emit(_ node: PatternNode) -> Bool {
        guard code.count < Self.instructionCountMax else { return false }
        switch node {
        case .empty:
            return true
        case .set(let set):
            if let only = set.members(atMost: 1)?.first {
                code.append(.scalar(only))
            } else {
                sets.append(set)
                code.append(.set(sets.count - 1))
            }
            return true
        case .sequence(let parts):
            for part in parts { guard emit(part) else { return false } }
            return true
        case .alternatives(let options):
            return emit(alternatives: options)
        case .group(let inner, let index):
            code.append(.save(2 * index))
            guard emit(inner) else { return false }
            code.append(.save(2 * index + 1))
            return true
        case .assertion(let kind):
            code.append(.assert(kind))
            return true
        case .repetition(let inner, let minimum, let maximum, let greedy):
            return emit(inner, minimum: minimum, maximum: maximum, greedy: greedy)
        }
    }

    private mutating func emit(alternatives options: [PatternNode]) -> Bool {
        var ends: [Int] = []
        for (index, option) in options.enumerated() {
            guard index < options.count - 1 else {
                guard emit(option) else { return false }
                break
            }
            let split = code.count
            code.append(.jump(0))
            guard emit(option) else { return false }
            ends.append(code.count)
            code.append(.jump(0))
            code[split] = .split(split + 1, code.count)
        }
        for end in ends { code[end] = .jump(code.count) }
        return true
    }

    private mutating func emit(_ inner: PatternNode, minimum: Int, maximum: Int?, greedy: Bool) -> Bool {
        for _ in 0..<minimum {
            let before = code.count
            guard emit(inner) else { return false }
            // Repeating nothing is nothing, however often: `(?:){1000}`.
            if code.count == before { return true }
        }
        func choice(_ inside: Int, _ outside: Int) -> Instruction {
            greedy ? .split(inside, outside) : .split(outside, inside)
        }
        guard let maximum else {
            let split = code.count
            code.append(.jump(0))
            guard emit(inner) else { return false }
            code.append(.jump(split))
            code[split] = choice(split + 1, code.count)
            return true
        }
        var splits: [Int] = []
        for _ in minimum..<maximum {
            splits.append(code.count)
            code.append(.jump(0))
            guard emit(inner) else { return false }
        }
        for split in splits { code[split] = choice(split + 1, code.count) }
        return true
    }

    // MARK: Running

    func matches(_ text: [Unicode.Scalar]) -> Bool {
        var marks = [Int](repeating: -1, count: code.count)
        var current: [Int] = []
        var next: [Int] = []
        var stack: [Int] = []
        follow(0, at: 0, text, &marks, &stack, into: &current)
        for position in text.indices {
            if current.isEmpty { return false }
            next.removeAll(keepingCapacity: true)
            for thread in current where accepts(thread, text[position]) {
                follow(thread + 1, at: position + 1, text, &marks, &stack, into: &next)
            }
            swap(&current, &next)
        }
        return current.contains { if case .match = code[$0] { true } else { false } }
    }

    private func accepts(_ thread: Int, _ scalar: Unicode.Scalar) -> Bool {
        switch code[thread] {
        case .scalar(let wanted): scalar == wanted
        case .set(let index): sets[index].contains(scalar)
        default: false
        }
    }

    /// Adds to `threads` every instruction reachable from `start` without reading. `marks` holds, for each instruction, the
    /// last position at which it was added.
    private func follow(
        _ start: Int, at position: Int, _ text: [Unicode.Scalar], _ marks: inout [Int], _ stack: inout [Int],
        into threads: inout [Int]
    ) {
        stack.append(start)
        while let thread = stack.popLast() {
            guard marks[thread] != position else { continue }
            marks[thread] = position
            switch code[thread] {
            case .jump(let target): stack.append(target)
            case .split(let first, let second):
                stack.append(second)
                stack.append(first)
            case .save: stack.append(thread + 1)
            case .assert(let kind): if holds(kind, at: position, text) { stack.append(thread + 1) }
            case .set, .scalar, .match: threads.append(thread)
            }
        }
    }

    private func holds(_ assertion: PatternNode.Assertion, at position: Int, _ text: [Unicode.Scalar]) -> Bool {
        func isWord(_ index: Int) -> Bool { text.indices.contains(index) && wordScalars.contains(text[index]) }
        return switch assertion {
        case .textStart: position == 0
        case .textEnd: position == text.count
        case .lineStart: position == 0 || text[position - 1] == "\n"
        case .lineEnd: position == text.count || text[position] == "\n"
        case .wordBoundary: isWord(position - 1) != isWord(position)
        case .noWordBoundary: isWord(position - 1) == isWord(position)
        }
    }

    // MARK: Captures

    private struct Thread {
        var instruction: Int
        /// Begin and end of each group; -1 where it took no part.
        var slots: [Int]
    }

    func captures(_ text: [Unicode.Scalar], while goesOn: () -> Bool) -> [String?]? {
        var marks = [Int](repeating: -1, count: code.count)
        let empty = [Int](repeating: -1, count: 2 * groupCount + 2)
        var current: [Thread] = []
        follow(Thread(instruction: 0, slots: empty), at: 0, text, &marks, into: &current)
        for position in text.indices {
            if current.isEmpty || (position & 0xF == 0 && !goesOn()) { return nil }
            var next: [Thread] = []
            for thread in current where accepts(thread.instruction, text[position]) {
                let moved = Thread(instruction: thread.instruction + 1, slots: thread.slots)
                follow(moved, at: position + 1, text, &marks, into: &next)
            }
            current = next
        }
        guard let winner = current.first(where: { if case .match = code[$0.instruction] { true } else { false } })
        else { return nil }
        var slots = winner.slots
        slots[0] = 0
        slots[1] = text.count
        return (0...groupCount).map { group in
            let (from, to) = (slots[2 * group], slots[2 * group + 1])
            guard from >= 0, to >= from else { return nil }
            var part = ""
            part.unicodeScalars.append(contentsOf: text[from..<to])
            return part
        }
    }

    /// The leftmost match that begins at `start` or later, the preferred one of those that begin there.
    /// - Returns: begin and end of the match and of each group, counted in scalars; -1 for a group that took no part.
    func search(_ text: [Unicode.Scalar], from start: Int) -> [Int]? {
        var marks = [Int](repeating: -1, count: code.count)
        var current: [Thread] = []
        var found: [Int]?
        for position in start...text.count {
            if found == nil {
                var slots = [Int](repeating: -1, count: 2 * groupCount + 2)
                slots[0] = position
                // Last among the threads: those that began further left come first.
                follow(Thread(instruction: 0, slots: slots), at: position, text, &marks, into: &current)
            }
            var next: [Thread] = []
            for thread in current {
                if case .match = code[thread.instruction] {
                    found = thread.slots
                    found?[1] = position
                    break
                }
                guard position < text.count, accepts(thread.instruction, text[position]) else { continue }
                let moved = Thread(instruction: thread.instruction + 1, slots: thread.slots)
                follow(moved, at: position + 1, text, &marks, into: &next)
            }
            current = next
            if current.isEmpty, found != nil { break }
        }
        return found
    }

    private func follow(
        _ start: Thread, at position: Int, _ text: [Unicode.Scalar], _ marks: inout [Int], into threads: inout [Thread]
    ) {
        var stack = [start]
        while var thread = stack.popLast() {
            guard marks[thread.instruction] != position else { continue }
            marks[thread.instruction] = position
            switch code[thread.instruction] {
            case .jump(let target):
                thread.instruction = target
                stack.append(thread)
            case .split(let first, let second):
                stack.append(Thread(instruction: second, slots: thread.slots))
                thread.instruction = first
                stack.append(thread)
            case .save(let slot):
                thread.instruction += 1
                thread.slots[slot] = position
                stack.append(thread)
            case .assert(let kind):
                guard holds(kind, at: position, text) else { continue }
                thread.instruction += 1
                stack.append(thread)
            case .set, .scalar, .match:
                threads.append(thread)
            }
        }
    }
}
