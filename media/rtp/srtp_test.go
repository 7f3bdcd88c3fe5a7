package rtp_test

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/media/mediatest"
	"parley/media/rtp"
)

func TestSRTP(t *testing.T) {
	suites := []struct {
		name      string
		key, salt int
	}{
		{"AES_CM_128_HMAC_SHA1_80", 16, 14},
		{"AES_CM_128_HMAC_SHA1_32", 16, 14},
		{"AES_256_CM_HMAC_SHA1_80", 32, 14},
		{"AES_256_CM_HMAC_SHA1_32", 32, 14},
		{"AEAD_AES_128_GCM", 16, 12},
		{"AEAD_AES_256_GCM", 32, 12},
	}
	for _, suite := range suites {
		t.Run(suite.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := mediatest.NewNetwork()
				a, b := newEnd(t, n, "10.0.0.1:4000"), newEnd(t, n, "10.0.0.2:4000")
				k := func(fill byte) ([]byte, []byte) {
					return bytes.Repeat([]byte{fill}, suite.key), bytes.Repeat([]byte{fill}, suite.salt)
				}
				aKey, aSalt := k(1)
				bKey, bSalt := k(2)
				pa, pb := params(b.at), params(a.at)
				pa.Crypto = &rtp.Crypto{Suite: suite.name, LocalKey: aKey, LocalSalt: aSalt, RemoteKey: bKey, RemoteSalt: bSalt}
				pb.Crypto = &rtp.Crypto{Suite: suite.name, LocalKey: bKey, LocalSalt: bSalt, RemoteKey: aKey, RemoteSalt: aSalt}
				configure(t, a, pa)
				configure(t, b, pb)
				var clear atomic.Bool
				n.SetHook(func(_, _ netip.AddrPort, p []byte) (bool, time.Duration) {
					if bytes.Contains(p, []byte("a voice that nobody may hear")) {
						clear.Store(true)
					}
					return false, 0
				})
				voice := append([]byte("a voice that nobody may hear"), make([]byte, 132)...)
				for range 3 {
					a.Send(voice, 160)
				}
				configure(t, a, pa) // the same keys: the contexts go on
				configure(t, b, pb)
				for range 3 {
					a.Send(voice, 160)
				}
				synctest.Wait()
				got := b.take()
				if len(got) != 6 || !bytes.Equal(got[5].Payload, voice) {
					t.Errorf("received %d packets, want 6 with the voice", len(got))
				}
				if clear.Load() {
					t.Error("the voice went over the network in clear")
				}
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if st := a.Stats(); st.Unauthentic != 0 || st.Malformed != 0 {
					t.Errorf("after reports Stats() = %+v, want none refused", st)
				}
				a.Skip(160) // a talks and b listens: a must know the round trip from b's reports
				if st := a.Stats(); st.RemoteLost != 0 || st.SendFailures != 0 {
					t.Errorf("Stats() = %+v", st)
				}
			})
		})
	}
}

func cryptoPair(a, b *end) (pa, pb rtp.Params) {
	pa, pb = params(b.at), params(a.at)
	key := func(fill byte) []byte { return bytes.Repeat([]byte{fill}, 16) }
	pa.Crypto = &rtp.Crypto{Suite: "AES_CM_128_HMAC_SHA1_80", LocalKey: key(1), LocalSalt: key(1)[:14], RemoteKey: key(2), RemoteSalt: key(2)[:14]}
	pb.Crypto = &rtp.Crypto{Suite: "AES_CM_128_HMAC_SHA1_80", LocalKey: key(2), LocalSalt: key(2)[:14], RemoteKey: key(1), RemoteSalt: key(1)[:14]}
	return pa, pb
}

func TestSRTPRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := newEnd(t, n, "10.0.0.1:4000"), newEnd(t, n, "10.0.0.2:4000")
		stranger, err := n.Listen(addr("10.6.6.6:4000"))
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		pa, pb := cryptoPair(a, b)
		configure(t, a, pa)
		configure(t, b, pb)
		var log mediatest.Log[[]byte]
		n.SetHook(func(from, _ netip.AddrPort, p []byte) (bool, time.Duration) {
			if from == a.at {
				log.Add(bytes.Clone(p))
			}
			return false, 0
		})
		plain := raw(8, 1, 160, 7, make([]byte, 160))
		stranger.WriteTo(plain, net.UDPAddrFromAddrPort(b.at)) // in clear, before anybody is latched
		talk(a, 2)
		seen := log.All()
		time.Sleep(2 * time.Second)                              // silent for long enough to latch anew
		stranger.WriteTo(seen[0], net.UDPAddrFromAddrPort(b.at)) // replayed
		bent := bytes.Clone(seen[1])
		bent[20] ^= 1
		stranger.WriteTo(bent, net.UDPAddrFromAddrPort(b.at))
		synctest.Wait()
		st := b.Stats()
		if len(b.take()) != 2 || st.Unauthentic != 3 || st.RemoteSeen != a.at {
			t.Errorf("Stats() = %+v, want 2 packets from %v and 3 refused", st, a.at)
		}
	})
}

func TestNewKeyOverlapsTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := newEnd(t, n, "10.0.0.1:4000"), newEnd(t, n, "10.0.0.2:4000")
		pa, pb := cryptoPair(a, b)
		configure(t, a, pa)
		configure(t, b, pb)
		talk(a, 2)
		fresh := bytes.Repeat([]byte{9}, 16)
		again := *pb.Crypto
		again.RemoteKey = fresh
		pb.Crypto = &again
		configure(t, b, pb) // b knows the new key before a sends with it
		talk(a, 2)
		change := *pa.Crypto
		change.LocalKey = fresh
		pa.Crypto = &change
		configure(t, a, pa)
		talk(a, 2)
		if got := len(b.take()); got != 6 {
			t.Errorf("received %d packets over the change of keys, want 6", got)
		}
	})
}

func TestConfigureRefusesBadKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := pair(t, n)
		for _, c := range []rtp.Crypto{
			{Suite: "F8_128_HMAC_SHA1_80"},
			{Suite: "AES_CM_128_HMAC_SHA1_80", LocalKey: make([]byte, 15), LocalSalt: make([]byte, 14)},
		} {
			p := params(b.at)
			p.Crypto = &c
			err := a.Configure(p)
			if err == nil || strings.Contains(err.Error(), "[0 0") {
				t.Errorf("Configure(%v) = %v, want an error without a key in it", c, err)
			}
		}
		talk(a, 1)
		if len(b.take()) != 1 {
			t.Error("a refused Configure changed the session")
		}
	})
}
