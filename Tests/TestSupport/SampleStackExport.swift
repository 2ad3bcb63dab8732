// Tests that start servers import `TestSupport` alone.
@_exported public import SampleStack
