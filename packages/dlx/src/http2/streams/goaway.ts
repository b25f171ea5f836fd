/**
 * A GOAWAY frame that ends nothing yet: the last stream is the highest that there can be (RFC 9113 §6.8). Written to the
 * socket as it is: nghttp2 would take it for the end, and ignore streams that the client opens until it has heard.
 * Node hands whole frames to the socket, so it comes between two of them.
 */
export const shutdownNotice = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
