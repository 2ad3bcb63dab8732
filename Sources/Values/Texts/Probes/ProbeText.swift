/// Why a look from outside found something wrong: sentences without a full stop, in the order of the alphabet.
public enum ProbeText: String, TextKey {
    case bodyContains, bodyLacks, bodyNotJSON, bodyPattern, bodyTooLong, connectionSlow, headerLacks
    case headerMissing, replySlow, status, valueForbidden, valueMissing, valueNotNumber, valueTooLarge
    case valueTooSmall, valueUnwanted, valueWrong
}
