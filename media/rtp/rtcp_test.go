package rtp_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"parley/media/mediatest"
)

func TestReports(t *testing.T) {
	for _, mux := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := mediatest.NewNetwork()
			a, b := pair(t, n)
			if mux {
				pa, pb := params(b.at), params(a.at)
				pa.RTCPMux, pb.RTCPMux = true, true
				configure(t, a, pa)
				configure(t, b, pb)
			}
			voice := 0
			n.SetHook(func(from, to netip.AddrPort, p []byte) (bool, time.Duration) {
				isRTCP := p[1] >= 192 && p[1] <= 223
				if isRTCP == (to.Port()%2 == 0) && isRTCP != mux {
					t.Errorf("mux %v: packet of type %d to %v", mux, p[1], to)
				}
				if isRTCP {
					if _, err := rtcp.Unmarshal(p); err != nil {
						t.Errorf("a report does not parse: %v", err)
					}
				} else if from == a.at {
					voice++
					return voice%4 == 0, 30 * time.Millisecond // a quarter of a's voice is lost
				}
				return false, 30 * time.Millisecond
			})
			for range 1000 {
				a.Send(make([]byte, 160), 160)
				b.Send(make([]byte, 160), 160)
				time.Sleep(packetTime)
			}
			sa, sb := a.Stats(), b.Stats()
			if d := sa.RTT - 60*time.Millisecond; d < -time.Millisecond || d > time.Millisecond {
				t.Errorf("RTT = %v, want 60ms", sa.RTT)
			}
			if sb.Lost < 245 || sb.Lost > 250 {
				t.Errorf("Lost = %d, want a quarter of 1000", sb.Lost)
			}
			if sa.RemoteFraction < 0.2 || sa.RemoteFraction > 0.3 || sa.RemoteLost < 100 {
				t.Errorf("what the far end reports: %v of packets, %d in all; want a quarter", sa.RemoteFraction, sa.RemoteLost)
			}
			if sb.Jitter > time.Millisecond {
				t.Errorf("Jitter = %v on a steady line, want 0", sb.Jitter)
			}
			if sa.Malformed+sa.Foreign+sa.Unwanted+sb.Malformed+sb.Foreign+sb.Unwanted != 0 {
				t.Errorf("something was refused: %+v, %+v", sa, sb)
			}
		})
	}
}

func TestJitterIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := pair(t, n)
		odd := false
		n.SetHook(func(netip.AddrPort, netip.AddrPort, []byte) (bool, time.Duration) {
			odd = !odd
			if odd {
				return false, 8 * time.Millisecond
			}
			return false, 0
		})
		talk(a, 200)
		if got := b.Stats().Jitter; got < 7*time.Millisecond || got > 9*time.Millisecond {
			t.Errorf("Jitter = %v, want 8ms", got)
		}
	})
}

func TestReportsTellWhoSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := pair(t, n)
		type report struct {
			parts []rtcp.Packet
			at    time.Time
		}
		var reports mediatest.Log[report]
		last := func() []rtcp.Packet {
			all := reports.All()
			return all[len(all)-1].parts
		}
		n.SetHook(func(from, _ netip.AddrPort, p []byte) (bool, time.Duration) {
			if from.Addr() == a.at.Addr() && from.Port() == a.at.Port()+1 {
				parts, err := rtcp.Unmarshal(p)
				if err != nil {
					t.Errorf("a report does not parse: %v", err)
				}
				reports.Add(report{parts, time.Now()})
			}
			return false, 0
		})
		talk(a, 1000)
		if _, ok := last()[0].(*rtcp.SenderReport); !ok || len(last()) != 2 {
			t.Errorf("while sending the report is %v, want SR and SDES", last())
		}
		sdes, ok := last()[1].(*rtcp.SourceDescription)
		if !ok || len(sdes.Chunks[0].Items[0].Text) < 12 {
			t.Errorf("second part = %v, want SDES with a long CNAME", last()[1])
		}
		for range 30 {
			time.Sleep(time.Second)
		}
		talk(b, 10)
		time.Sleep(10 * time.Second)
		if _, ok := last()[0].(*rtcp.ReceiverReport); !ok {
			t.Errorf("when silent the report is %v, want RR", last()[0])
		}
		all := reports.All()
		for i := 1; i < len(all); i++ {
			if d := all[i].at.Sub(all[i-1].at); d < 2500*time.Millisecond || d > 7500*time.Millisecond+packetTime {
				t.Errorf("interval between reports = %v, want 2.5s to 7.5s", d)
			}
		}
		a.Close()
		if bye, ok := last()[len(last())-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != a.SSRC() {
			t.Errorf("last report = %v, want one with BYE", last())
		}
	})
}
