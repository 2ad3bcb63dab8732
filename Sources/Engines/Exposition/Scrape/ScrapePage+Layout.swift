import Series

extension ScrapePage {
    /// Reads a page whose layout is another than the last one's.
    mutating func readAnew(_ page: [UInt8], _ format: ExpositionFormat) throws(ExpositionError) -> Changes {
        var builder = LayoutBuilder(page, after: self)
        switch format {
        case .text: try builder.readText()
        case .openMetrics: try builder.readOpenMetrics()
        case .protobuf: try builder.readProtobuf(slotOfLabels)
        }
        var changes = builder.changes
        // Text is compared line by line, protobuf by labels.
        slotOfLabels = [:]
        histograms = builder.histograms
        var slots = builder.layout.slots
        var repeatedSlots = builder.layout.repeatedSlots
        var freed: [UInt32] = []
        findVanished(builder.isTaken, &changes, &freed)
        if format == .protobuf {
            slotOfLabels = builder.slotOfLabels
        } else {
            let renamed = keepRespelled(&changes, &freed)
            if !renamed.isEmpty {
                slots = slots.map { renamed[$0] ?? $0 }
                repeatedSlots = repeatedSlots.map { renamed[$0] ?? $0 }
            }
        }
        changes.isSameLayout =
            changes.appeared.isEmpty && changes.vanished.isEmpty && slots == layout.slots

        self.format = format
        bytes = page
        layout = builder.layout
        layout.slots = slots
        layout.repeatedSlots = repeatedSlots
        values = builder.values
        nextValues = [Double](repeating: 0, count: values.count)
        nextTimes = [Int64](repeating: 0, count: layout.times.count)
        lengthChanges.reserveCapacity(layout.lines.count)
        dirtyGroups.reserveCapacity(layout.groups.count)
        slotCount = builder.isTaken.count
        freeSlots = builder.freeSlots + freed
        return changes
    }

    private func findVanished(_ isTaken: [Bool], _ changes: inout Changes, _ freed: inout [UInt32]) {
        var isReported = [Bool](repeating: false, count: slotCount)
        for (sample, slot) in layout.slots.enumerated() where !isTaken[Int(slot)] && !isReported[Int(slot)] {
            isReported[Int(slot)] = true
            let hadTime = !layout.times.isEmpty && layout.times[sample] != PageLayout.noTime
            changes.vanished.append(.init(slot: Int(slot), hadTime: hadTime))
            freed.append(slot)
        }
    }

    /// A series that is written in another way than before (its labels in another order) did not vanish: it keeps its slot.
    /// - Returns: the slots that it had before, by those that it would have now.
    private func keepRespelled(_ changes: inout Changes, _ freed: inout [UInt32]) -> [UInt32: UInt32] {
        guard !changes.appeared.isEmpty, !changes.vanished.isEmpty else { return [:] }
        let vanishedSlots = Set(changes.vanished.map(\.slot))
        var sampleOfSlot: [Int: Int] = [:]
        for (sample, slot) in layout.slots.enumerated() where vanishedSlots.contains(Int(slot)) {
            sampleOfSlot[sample] = Int(slot)
        }
        var slotOfLabels: [Labels: Int] = [:]
        for (sample, labels) in labels(ofSamples: sampleOfSlot.keys) { slotOfLabels[labels] = sampleOfSlot[sample] }
        var renamed: [UInt32: UInt32] = [:]
        changes.appeared.removeAll { appeared in
            guard let slot = slotOfLabels.removeValue(forKey: appeared.labels) else { return false }
            renamed[UInt32(appeared.slot)] = UInt32(slot)
            return true
        }
        guard !renamed.isEmpty else { return [:] }
        let kept = Set(renamed.values)
        changes.vanished.removeAll { kept.contains(UInt32($0.slot)) }
        freed.removeAll { kept.contains($0) }
        freed += renamed.keys
        return renamed
    }
}
