return (require "lib.room") {}
