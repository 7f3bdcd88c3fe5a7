package media

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"parley/media/rtp"
)

// LocalAddr is where the stream receives RTP.
func (s *Stream) LocalAddr() netip.AddrPort { return s.where.Load()[0] }

// RTCPAddr is where the stream receives RTCP.
func (s *Stream) RTCPAddr() netip.AddrPort { return s.where.Load()[1] }

func addrPort(c net.PacketConn) netip.AddrPort {
	udp, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	a := udp.AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Rebind moves the stream to new sockets at another concrete address of this
// machine, in the middle of a call: an even port and the next within ports, as
// [StreamConfig.Ports] has it. SSRC, sequence, timestamps, SRTP contexts, the
// receive buffer, a recording and the statistics go on; the old sockets are
// closed. [Stream.LocalAddr] and [Stream.RTCPAddr] tell the new ones, which
// signalling must tell the far end. What is sent goes to the same place as before.
//
// On error, [ErrClosed] or that there is no such address or no free port, nothing
// has changed. Rebind does not wait for the network.
func (s *Stream) Rebind(local netip.Addr, ports [2]int) error {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	voice, control, err := rtp.Listen(s.engine.conf.Network, local, ports[0], ports[1], rand.Reader)
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	if err := s.session.Rebind(voice, control); err != nil {
		voice.Close()
		control.Close()
		if errors.Is(err, rtp.ErrClosed) {
			return ErrClosed
		}
		return fmt.Errorf("media: %w", err)
	}
	s.where.Store(&[2]netip.AddrPort{addrPort(voice), addrPort(control)})
	return nil
}
