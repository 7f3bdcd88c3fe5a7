package sip

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

func BenchmarkFilter(b *testing.B) {
	_, message := filterRow(b, "testdata/filter/compact.msg")
	f := NewFilter(FilterConfig{})
	props := sip.TransportReadProps{Transport: "UDP", LocalAddr: filterLocal, RemoteAddr: filterRemote}
	b.ReportAllocs()
	for b.Loop() {
		f.Read(props, message)
		f.flood.messages.hosts = nil
	}
}
