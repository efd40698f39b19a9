"""One module a wire format: between a `FaceState` and the bytes of its datagrams, without sockets and clocks."""
