public import Diagnostics
import Units

/// A stretch of time that is too long for its step.
public struct BacktestFault: Failure {
    let steps: Int
    let step: Duration

    public let codeName = "backtest-too-long"
    public var summary: String {
        "\(steps) steps of \(step.prometheusText) are more than the \(Backtest.stepsMax) that one backtest takes"
    }
    public var hint: String? { "Ask for a shorter time, or pass a longer --step." }
}
