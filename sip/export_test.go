package sip

// Unreachable is what the socket at an address tells when an ICMP message came.
var Unreachable = (*Endpoint).unreachable

// PingLost is what the socket at an address tells when an ICMP message quoted a ping.
var PingLost = (*Endpoint).pingLost
