package media_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/media"
	"parley/media/mediatest"
	"parley/media/rtp"
)

// secure adds keys of that suite to both sides.
func secure(c *mediatest.Call, suite string, fill byte) {
	size := [2]int{16, 14}
	switch {
	case strings.HasPrefix(suite, "AES_256"):
		size = [2]int{32, 14}
	case suite == "AEAD_AES_128_GCM":
		size = [2]int{16, 12}
	case suite == "AEAD_AES_256_GCM":
		size = [2]int{32, 12}
	}
	key := func(n byte) ([]byte, []byte) {
		return bytes.Repeat([]byte{fill + n}, size[0]), bytes.Repeat([]byte{fill ^ n}, size[1])
	}
	c.PA.Suite, c.PB.Suite = suite, suite
	c.PA.LocalKey, c.PA.LocalSalt = key(1)
	c.PB.LocalKey, c.PB.LocalSalt = key(2)
	c.PA.RemoteKey, c.PA.RemoteSalt = c.PB.LocalKey, c.PB.LocalSalt
	c.PB.RemoteKey, c.PB.RemoteSalt = c.PA.LocalKey, c.PA.LocalSalt
}

func TestSecureVoice(t *testing.T) {
	for _, suite := range []string{
		"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80",
		"AES_256_CM_HMAC_SHA1_32", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM",
	} {
		t.Run(suite, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCall(t, "PCMA", func(c *mediatest.Call) { secure(c, suite, 10) })
				time.Sleep(time.Second)
				c.Configure(t) // the same keys again, as a session refresh has it
				time.Sleep(time.Second)
				secure(c, suite, 50)
				c.Configure(t) // other keys
				time.Sleep(time.Second)
				mediatest.Clear(t, "a to b", c.A.Said[:5*rate/2], c.B.Device.Played())
				mediatest.Clear(t, "b to a", c.B.Said[:5*rate/2], c.A.Device.Played())
				// One packet may leave with the new key before b has heard of it.
				if st := c.SB.Stats(); !st.Secure || st.Refused > 1 || st.Lost > 1 {
					t.Errorf("Stats() = %+v, want it secure and nothing refused", st)
				}
			})
		})
	}
}

func TestConfigureLeavesKeysOutOfErrorsAndLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		p := c.PA
		p.Suite, p.LocalKey, p.LocalSalt = "AES_CM_128_HMAC_SHA1_80", []byte("secretsecret"), []byte("salt")
		err := c.SA.Configure(p)
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(fmt.Sprint(p), "secret") || strings.Contains(fmt.Sprintf("%v %+v %v", p, p, p.LogValue()), "115 101") {
			t.Errorf("Configure(short key) = %v, logged as %v; want an error and no key", err, p.LogValue())
		}
		p = c.PA
		p.Codec.Name = "G729"
		var unknown *media.CodecError
		if err := c.SA.Configure(p); !errors.As(err, &unknown) || unknown.Name != "G729" {
			t.Errorf("Configure(G729) = %v, want a CodecError", err)
		}
		time.Sleep(3 * time.Second) // and the call goes on as it was
		mediatest.Clear(t, "a to b", c.A.Said[:2*rate], c.B.Device.Played())
	})
}

func TestCodecChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		type line struct{ ssrc, pt, ts uint32 }
		var log mediatest.Log[line]
		c.Network.SetHook(func(from, _ netip.AddrPort, p []byte) (bool, time.Duration) {
			if from == c.SA.LocalAddr() {
				log.Add(line{binary.BigEndian.Uint32(p[8:]), uint32(p[1] & 0x7f), binary.BigEndian.Uint32(p[4:])})
			}
			return false, 0
		})
		time.Sleep(2 * time.Second)
		for _, name := range []string{"G722", "PCMU"} {
			c.PA, c.PB = c.A.Agreed(name, c.SB.LocalAddr()), c.B.Agreed(name, c.SA.LocalAddr())
			c.Configure(t)
			time.Sleep(2 * time.Second)
		}
		mediatest.Clear(t, "a to b", c.A.Said[:5*rate], c.B.Device.Played())
		seen := log.All()
		for i := 1; i < len(seen); i++ {
			if seen[i].ssrc != seen[0].ssrc {
				t.Fatalf("packet %d has another SSRC", i)
			}
			// The packet that was being filled at the change is given up.
			if step := seen[i].ts - seen[i-1].ts; step != 160 && step != 240 {
				t.Errorf("packet %d: timestamp moved by %d, want 160", i, step)
			}
		}
		if seen[0].pt != 8 || seen[len(seen)-1].pt != 0 {
			t.Errorf("payload types %d ... %d, want 8 ... 0", seen[0].pt, seen[len(seen)-1].pt)
		}
	})
}

func TestDigitsBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "PCMA", nil)
		time.Sleep(time.Second)
		for _, d := range "1#" {
			if err := c.SA.SendDigit(t.Context(), d, 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.SB.SendDigit(t.Context(), '7', 80*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		digits := func(p *mediatest.Phone) (got []media.DigitReceived) {
			for _, ev := range p.StreamEvents() {
				if d, ok := ev.(media.DigitReceived); ok {
					got = append(got, d)
				}
			}
			return got
		}
		want := []media.DigitReceived{{Digit: '1', Duration: 100 * time.Millisecond}, {Digit: '#', Duration: 100 * time.Millisecond}}
		if got := digits(c.B); !slices.Equal(got, want) {
			t.Errorf("b received %v, want %v", got, want)
		}
		want = []media.DigitReceived{{Digit: '7', Duration: 80 * time.Millisecond}}
		if got := digits(c.A); !slices.Equal(got, want) {
			t.Errorf("a received %v, want %v", got, want)
		}
		if st := c.SB.Stats(); st.Lost != 0 {
			t.Errorf("Lost = %d after digits, want 0", st.Lost)
		}
		c.PA.HasEvents = false
		c.Configure(t)
		if err := c.SA.SendDigit(t.Context(), '1', time.Second); !errors.Is(err, rtp.ErrNoTelephoneEvent) {
			t.Errorf("SendDigit = %v, want %v", err, rtp.ErrNoTelephoneEvent)
		}
	})
}

// A quarter of the packets comes late and every fiftieth never.
func TestVoiceOverABadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, "G722", nil)
		sent := map[netip.AddrPort]int{}
		c.Network.SetHook(func(from, _ netip.AddrPort, _ []byte) (bool, time.Duration) {
			sent[from]++
			n := sent[from]
			delay := 20 * time.Millisecond
			if n%4 == 1 {
				delay += time.Duration(n*7%40) * time.Millisecond
			}
			return n%50 == 0, delay
		})
		time.Sleep(10 * time.Second)
		r := mediatest.Compare(c.A.Said[2*rate:9*rate], c.B.Device.Played(), rate)
		if r.MedianCorrelation < 0.9 || r.Gaps > 4 {
			t.Errorf("voice: %+v, want it clear in most windows", r)
		}
		st := c.SB.Stats()
		if st.Lost < 5 || st.Lost > 15 || st.Concealed == 0 || st.Jitter == 0 || st.BufferTarget < 20*time.Millisecond {
			t.Errorf("Stats() = %+v, want about 10 lost, and jitter that is buffered", st)
		}
		time.Sleep(10 * time.Second) // two reports, whenever they choose to go
		if rtt := c.SB.Stats().RTT; rtt < 35*time.Millisecond || rtt > 120*time.Millisecond {
			t.Errorf("RTT = %v, want about 40ms", rtt)
		}
	})
}

func TestThreeCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		hub := mediatest.NewPhone(t, n, "10.0.0.1", 1, codecs()...)
		var others []*mediatest.Phone
		for i, host := range []string{"10.0.0.2", "10.0.0.3", "10.0.0.4"} {
			p := mediatest.NewPhone(t, n, host, uint64(i+2), codecs()...)
			mine, theirs := hub.Stream(t), p.Stream(t)
			if err := mine.Configure(hub.Agreed("PCMA", theirs.LocalAddr())); err != nil {
				t.Fatal(err)
			}
			if err := theirs.Configure(p.Agreed("PCMA", mine.LocalAddr())); err != nil {
				t.Fatal(err)
			}
			others = append(others, p)
		}
		time.Sleep(4 * time.Second)
		for i, p := range others {
			mediatest.Clear(t, "the hub's voice", hub.Said[rate:3*rate], p.Device.Played())
			r := mediatest.Compare(p.Said[rate:3*rate], hub.Device.Played(), rate)
			if r.MedianCorrelation < 0.3 || r.Delay > 1080*time.Millisecond || r.Delay < time.Second {
				t.Errorf("voice %d in the mix: %+v, want it among the three", i, r)
			}
		}
	})
}
