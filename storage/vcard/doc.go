// Package vcard reads and writes vCards of versions 2.1, 3.0 (RFC 2426) and 4.0
// (RFC 6350): their lines, parameters and encodings, not what they mean.
//
// A [Decoder] goes on after an entry that is broken and tells the line. All that
// it reads is bounded: entries, lines and properties.
package vcard
