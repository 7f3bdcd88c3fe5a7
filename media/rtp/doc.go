// Package rtp carries one call's voice over the network: RTP and RTCP (RFC
// 3550, RFC 3551), SRTP (RFC 3711) with keys from signalling, and DTMF as
// telephone-events (RFC 4733).
//
// A [Session] owns two sockets and a goroutine for each, and one that reports.
// It never changes its SSRC or breaks its line of timestamps and sequence
// numbers while it lives, whatever is configured; only a collision of SSRCs
// makes it choose another (RFC 3550 section 8.2).
//
// Packets go back to where valid packets come from (symmetric RTP, RFC 4961), so
// that a peer behind a NAT hears us. What is valid is decided in that order: the
// payload type was agreed on, with SRTP the packet is authentic, and it comes
// from the source that is latched, or nothing was heard from that for a while.
package rtp
