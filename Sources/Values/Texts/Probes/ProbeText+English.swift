extension ProbeText {
    public var english: String {
        switch self {
        case .bodyContains: "the body contains '{text}'"
        case .bodyLacks: "the body does not contain '{text}'"
        case .bodyNotJSON: "the body is {reason}"
        case .bodyPattern: "the body does not match /{pattern}/"
        case .bodyTooLong: "the body is longer than {count} {count?byte|bytes}, too long to read as JSON"
        case .connectionSlow: "the connection took {span}, at most {limit} is allowed"
        case .headerLacks: "the header {name} does not contain '{text}'"
        case .headerMissing: "the reply has no header {name}"
        case .replySlow: "the reply took {span}, at most {limit} is allowed"
        case .status: "the status is {status}, expected {expected}"
        case .valueForbidden: "{path} is {value}"
        case .valueMissing: "{path} is missing from the reply"
        case .valueNotNumber: "{path} is {value}, not a number"
        case .valueTooLarge: "{path} is {value}, expected less than {limit}"
        case .valueTooSmall: "{path} is {value}, expected more than {limit}"
        case .valueUnwanted: "{path} is in the reply and should not be"
        case .valueWrong: "{path} is {value}, expected {expected}"
        }
    }
}
