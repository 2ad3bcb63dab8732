import Series
import Testing
import Units

@testable import Rules

/// Goal: the life of an alert is the reference's, and neither clocks nor restarts make it jump. Method: the state value is
/// fed by hand.
@Suite struct AlertStatesTests {
    private let found = AlertStates.Found(labels: ["alertname": "A"], annotations: [:], value: 1)

    private func kinds(_ changes: [AlertStates.Change]) -> [String] {
        changes.map { String("\($0)".prefix { $0 != "(" }) }
    }

    private func at(_ seconds: Int) -> Timestamp { newYear + .seconds(seconds) }

    @Test func `an alert is pending, fires after its hold time, and resolves`() {
        var states = AlertStates(hold: .seconds(60), keepFiring: .zero)
        #expect(kinds(states.observe([found], at: at(0))) == ["pending"])
        #expect(kinds(states.observe([found], at: at(59))) == [])
        #expect(kinds(states.observe([found], at: at(60))) == ["fired"])
        #expect(states.sorted.first?.activeAt == at(0))
        #expect(states.sorted.first?.firedAt == at(60))
        #expect(kinds(states.observe([found], at: at(75))) == [])
        #expect(kinds(states.observe([], at: at(90))) == ["resolved"])
        #expect(states.sorted.isEmpty)
    }

    @Test func `without a hold time it fires at once`() {
        var states = AlertStates(hold: .zero, keepFiring: .zero)
        #expect(kinds(states.observe([found], at: at(0))) == ["fired"])
    }

    @Test func `a pending alert that goes away is cleared and begins anew`() {
        var states = AlertStates(hold: .seconds(60), keepFiring: .zero)
        _ = states.observe([found], at: at(0))
        #expect(kinds(states.observe([], at: at(30))) == ["cleared"])
        #expect(kinds(states.observe([found], at: at(70))) == ["pending"])
        #expect(kinds(states.observe([found], at: at(100))) == [])
    }

    @Test func `it is kept firing for a while after its condition went away`() {
        var states = AlertStates(hold: .zero, keepFiring: .seconds(60))
        _ = states.observe([found], at: at(0))
        #expect(kinds(states.observe([], at: at(30))) == [])
        #expect(kinds(states.observe([found], at: at(60))) == [])
        #expect(kinds(states.observe([], at: at(90))) == [])
        #expect(kinds(states.observe([], at: at(149))) == [])
        #expect(kinds(states.observe([], at: at(150))) == ["resolved"])
    }

    @Test func `while states settle nothing is taken for gone`() {
        let open = ActiveAlert(labels: found.labels, value: 1, state: .firing, activeAt: at(-600), firedAt: at(-500))
        var states = AlertStates(hold: .seconds(60), keepFiring: .zero, restored: [open])
        #expect(kinds(states.observe([], at: at(0), isSettling: true)) == [])
        #expect(kinds(states.observe([found], at: at(15))) == [])
        #expect(states.sorted.first?.activeAt == at(-600))
    }

    @Test func `a hold time begun before a restart goes on`() {
        let open = ActiveAlert(labels: found.labels, value: 1, state: .pending, activeAt: at(-50))
        var states = AlertStates(hold: .seconds(60), keepFiring: .zero, restored: [open])
        #expect(kinds(states.observe([found], at: at(0))) == [])
        #expect(kinds(states.observe([found], at: at(10))) == ["fired"])
    }

    @Test func `a clock that was ahead does not freeze a hold time`() {
        let open = ActiveAlert(labels: found.labels, value: 1, state: .pending, activeAt: at(86_400))
        var states = AlertStates(hold: .seconds(60), keepFiring: .zero, restored: [open])
        states.rebase(to: at(0))
        #expect(kinds(states.observe([found], at: at(60))) == ["fired"])
    }

    @Test func `alerts are told apart by their labels`() {
        var states = AlertStates(hold: .zero, keepFiring: .zero)
        let other = AlertStates.Found(labels: ["alertname": "A", "host": "b"], annotations: [:], value: 2)
        #expect(kinds(states.observe([found, other], at: at(0))) == ["fired", "fired"])
        #expect(kinds(states.observe([other], at: at(15))) == ["resolved"])
        #expect(found.labels.fingerprint != other.labels.fingerprint)
        #expect(found.labels.fingerprint.utf8.count == 16)
    }

    @Test func `the first evaluations after a start or a gap settle`() {
        var clock = EvaluationClock(interval: .seconds(15))
        #expect(clock.verdict(at: at(0)) == .settle)
        #expect(clock.verdict(at: at(15)) == .settle)
        #expect(clock.verdict(at: at(30)) == .evaluate)
        #expect(clock.verdict(at: at(3600)) == .settle)
        #expect(clock.verdict(at: at(3615)) == .settle)
        #expect(clock.verdict(at: at(3630)) == .evaluate)
    }

    @Test func `evaluations that are always late are not gaps for ever`() {
        var clock = EvaluationClock(interval: .seconds(1))
        #expect(clock.verdict(at: at(0)) == .settle)
        #expect(clock.verdict(at: at(100)) == .evaluate)
        #expect(clock.verdict(at: at(200)) == .evaluate)
    }

    @Test func `a clock that went back is waited for, and believed when it stays`() {
        var clock = EvaluationClock(interval: .seconds(15))
        for second in [0, 15, 30, 45] { _ = clock.verdict(at: at(second)) }
        #expect(clock.verdict(at: at(20)) == .skip(behind: .seconds(25)))
        #expect(clock.verdict(at: at(60)) == .evaluate)
        for step in 0..<EvaluationClock.skipCountMax {
            #expect(clock.verdict(at: at(-3600 + 15 * step)) == .skip(behind: .seconds(3660 - 15 * step)))
        }
        #expect(clock.verdict(at: at(-3400)) == .rebase)
        #expect(clock.verdict(at: at(-3385)) == .settle)
        #expect(clock.verdict(at: at(-3370)) == .evaluate)
    }
}
