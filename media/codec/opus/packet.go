package opus

// maxDecoded is the longest packet there is, 120 ms.
const maxDecoded = 120 * sampleRate / 1000

// celtOnly is the first configuration without a SILK layer, and thus without
// redundancy (RFC 6716 table 2).
const celtOnly = 16

// frameSamples is the length of one frame, by the first byte of a packet (RFC
// 6716 table 2).
func frameSamples(toc byte) int {
	const ms = sampleRate / 1000
	config := toc >> 3
	switch {
	case config >= celtOnly:
		return 5 * ms / 2 << (config & 3)
	case config >= 12: // hybrid
		return 10 * ms << (config & 1)
	case config&3 == 3:
		return 60 * ms
	default:
		return 10 * ms << (config & 3)
	}
}

// samples returns the length of a packet, 0 if its head is malformed (RFC 6716
// section 3.2).
func samples(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	frames := 2
	switch packet[0] & 3 {
	case 0:
		frames = 1
	case 3:
		if len(packet) < 2 {
			return 0
		}
		frames = int(packet[1] & 0x3f)
	}
	n := frames * frameSamples(packet[0])
	if n > maxDecoded {
		return 0
	}
	return n
}

// hasFEC reports whether a packet carries a copy of the one before it: whether
// the LBRR flag of its first SILK frame is set. The flags are the first bits of
// the frame, coded with even odds, so that they stand there in clear (RFC 6716
// section 4.2.3).
func hasFEC(packet []byte) bool {
	if samples(packet) == 0 || packet[0]>>3 >= celtOnly {
		return false
	}
	frame := firstFrame(packet)
	if len(frame) == 0 {
		return false
	}
	// A frame has one voice activity flag for each 20 ms, then the LBRR flag.
	silk := max(1, frameSamples(packet[0])/(20*sampleRate/1000))
	mid := frame[0]>>(7-silk)&1 != 0
	const stereo = 4
	if packet[0]&stereo == 0 {
		return mid
	}
	return mid || frame[0]>>(6-2*silk)&1 != 0
}

// firstFrame returns the packet from its first frame on, nil if that is not
// there (RFC 6716 sections 3.2.2 to 3.2.5).
func firstFrame(packet []byte) []byte {
	rest := packet[1:]
	switch packet[0] & 3 {
	case 0, 1:
		return rest
	case 2:
		return skipLength(rest)
	}
	if len(rest) == 0 {
		return nil
	}
	count := rest[0]
	rest = rest[1:]
	const padding, variable = 0x40, 0x80
	if count&padding != 0 {
		for len(rest) > 0 && rest[0] == 255 {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return nil
		}
		rest = rest[1:]
	}
	if count&variable != 0 {
		for range int(count&0x3f) - 1 {
			rest = skipLength(rest)
		}
	}
	return rest
}

// skipLength skips the length of a frame, which is one byte or two.
func skipLength(b []byte) []byte {
	n := 1
	if len(b) > 0 && b[0] >= 252 {
		n = 2
	}
	if len(b) < n {
		return nil
	}
	return b[n:]
}
