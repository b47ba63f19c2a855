-- What the tests of tests/conformance/ours call.
return (require "lib.room") {}
