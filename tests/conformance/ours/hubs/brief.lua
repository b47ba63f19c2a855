-- Short times, so that a test sees them pass.
return (require "lib.room") { negotiate_timeout = 1, keep_alive = 0.25, client_timeout = 1, handshake_timeout = 0.5 }
