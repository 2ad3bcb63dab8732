import Measuring

measure { try await bench(CommandLine.arguments) }
