// Package sdp reads and writes session descriptions (RFC 4566, RFC 8866) and
// keeps the offer/answer state of one call (RFC 3264).
//
// It has two layers:
//
//   - [Parse] and [Description.Bytes] turn text into a [Description] and back.
//     The parser forgives what phones in the field get wrong, because RFC 3264
//     wants every media line answered: an unknown media type, a missing t= or a
//     port out of range must not end a call. Only what is no session
//     description at all, or is too large, gets a [SyntaxError].
//   - A [Negotiation] belongs to one dialog. It makes offers and answers from
//     what the caller wants ([Local]), reads those of the far end, and says what
//     both sides agreed on ([Agreed]). It keeps what must stay the same over a
//     dialog: the origin line, the order of the media lines, the payload types
//     and the keys.
//
// The package is pure: it starts no goroutine, reads no clock, opens nothing,
// and takes its randomness from the reader it is given.
//
// One audio stream is negotiated. Every other media line is answered with port
// 0. Keys are exchanged by SDES (RFC 4568), in RTP/SAVP or, opportunistically,
// in RTP/AVP (RFC 8643). ICE, BUNDLE and DTLS-SRTP attributes are ignored.
package sdp
