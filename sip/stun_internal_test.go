package sip

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

// The answers of RFC 5769 sections 2.2 and 2.3, without their last attributes.
const (
	stunSample4 = "0101002c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
	stunSample6 = "010100382112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
)

func TestParseSTUN(t *testing.T) {
	for text, want := range map[string]string{
		stunSample4: "192.0.2.1:32853",
		stunSample6: "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
		"0101000c2112a4420000000000000000000000000001000800010fa0c6336407": "198.51.100.7:4000",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		_, _, seen, ok := parseSTUN(b)
		if !ok || seen != netip.MustParseAddrPort(want) {
			t.Errorf("parseSTUN(%s) = %v, %v, want %s", text, seen, ok, want)
		}
		for n := range b {
			if _, _, cut, ok := parseSTUN(b[:n]); ok && cut.IsValid() && cut != seen {
				t.Errorf("parseSTUN of the first %d bytes = %v, want nothing or %v", n, cut, seen)
			}
		}
	}
}

func FuzzParseSTUN(f *testing.F) {
	for _, text := range []string{stunSample4, stunSample6} {
		b, _ := hex.DecodeString(text)
		f.Add(b)
	}
	f.Add(stunQuestion(stunID{1}))
	f.Add([]byte("OPTIONS sip:a SIP/2.0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, _, seen, ok := parseSTUN(b)
		if ok && kind != stunSuccess && kind != stunFailure || !ok && seen.IsValid() {
			t.Errorf("parseSTUN(%x) = %#x, %v, %v", b, kind, seen, ok)
		}
	})
}
