package sdp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPayloadBookAssign(t *testing.T) {
	wish := func(c Codec, pt uint8) Codec { c.PayloadType = pt; return c }
	l16 := Codec{Name: "L16", ClockRate: 48000}
	tests := []struct {
		name  string
		noted []Codec
		in    []Codec
		want  []uint8
	}{
		{"static and wished", nil, []Codec{opus, pcma, g722, pcmu, events}, []uint8{96, 8, 9, 0, 101}},
		{"a static one may not be wished away", nil, []Codec{wish(pcma, 99)}, []uint8{8}},
		{"none wished", nil, []Codec{wish(opus, 0), wish(events, 0)}, []uint8{96, 97}},
		{"wished out of range", nil, []Codec{wish(opus, 95), wish(events, 128)}, []uint8{96, 97}},
		{"wished twice", nil, []Codec{wish(opus, 100), wish(events, 100)}, []uint8{100, 96}},
		{"listed twice", nil, []Codec{opus, pcma, wish(opus, 99)}, []uint8{96, 8}},
		{"in use", []Codec{wish(opus, 111)}, []Codec{wish(opus, 96), wish(events, 111)}, []uint8{111, 96}},
		{"static number in use for another", []Codec{wish(pcma, 0)}, []Codec{pcma, pcmu}, []uint8{0, 96}},
		{"number noted anew", []Codec{wish(opus, 96), wish(events, 96)}, []Codec{l16, opus}, []uint8{97, 98}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b payloadBook
			for _, c := range tt.noted {
				b.note([]Codec{c})
			}
			for range 2 { // asked again it says the same
				var got []uint8
				for _, c := range b.assign(tt.in) {
					got = append(got, c.PayloadType)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("assign(%v) (-want +got):\n%s", tt.in, diff)
				}
			}
		})
	}
}

func TestPayloadBookFull(t *testing.T) {
	var b payloadBook
	var in []Codec
	for i := range 40 {
		in = append(in, Codec{Name: "x", ClockRate: 1000 + i})
	}
	list := b.assign(append(in, pcma))
	if got, want := len(list), 33; got != want {
		t.Fatalf("assign gave %d codecs, want %d", got, want)
	}
	if got := list[32]; got != pcma {
		t.Errorf("last codec = %v, want %v", got, pcma)
	}
}

func TestParameters(t *testing.T) {
	with := func(c Codec, fmtp string) Codec { c.Fmtp = fmtp; return c }
	tests := []struct {
		in   Codec
		want string
	}{
		{opus, "useinbandfec=1"},
		{with(opus, "maxaveragebitrate=32000"), "maxaveragebitrate=32000;useinbandfec=1"},
		{with(opus, "useinbandfec=0;stereo=1"), "useinbandfec=0;stereo=1"},
		{events, "0-15"},
		{with(events48, "0-16"), "0-16"},
		{pcma, ""},
		{with(pcma, "x=1"), "x=1"},
	}
	for _, tt := range tests {
		if got := tt.in.parameters(); got != tt.want {
			t.Errorf("parameters(%v) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestDirectionAnswer(t *testing.T) {
	// want[ours][offered]
	want := [4][4]Direction{
		SendRecv: {SendRecv: SendRecv, SendOnly: RecvOnly, RecvOnly: SendOnly, Inactive: Inactive},
		SendOnly: {SendRecv: SendOnly, SendOnly: Inactive, RecvOnly: SendOnly, Inactive: Inactive},
		RecvOnly: {SendRecv: RecvOnly, SendOnly: RecvOnly, RecvOnly: Inactive, Inactive: Inactive},
		Inactive: {SendRecv: Inactive, SendOnly: Inactive, RecvOnly: Inactive, Inactive: Inactive},
	}
	for ours := range want {
		for offered, w := range want[ours] {
			if got := Direction(ours).answer(Direction(offered)); got != w {
				t.Errorf("%v answers %v with %v, want %v", Direction(ours), Direction(offered), got, w)
			}
		}
	}
	if got := Direction(9).String(); got != "unknown" {
		t.Errorf("Direction(9) = %q", got)
	}
}
