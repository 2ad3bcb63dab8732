/// Schedules in words, in the order of the alphabet.
public enum ScheduleText: String, TextKey {
    case andList, april, atMinute, august, datesAndWeekdays, datesIfWeekdays, daysAt, december, everyDayAt
    case everyDays, everyHour, everyHourAt, everyHours, everyHoursAt, everyInterval, everyMinute, everyMinutes
    case february, friday, fromSpans, inMonths, inZone, january, july, june, lastDay, march, may, monday
    case november, october, ofEveryMonth, ofMonths, onDates, onWeekdays, ordinalFirst, ordinalOther
    case ordinalSecond, ordinalThird, saturday, september, span, sunday, thursday, timeOnDays, tuesday
    case wednesday
}
