package scripting

import (
	"strconv"
	"strings"
	"time"

	"parley/middleware"
	"parley/scripting/protocol"
)

// join joins the parts of a line; an empty value leaves no blank behind.
func join(parts ...string) string { return strings.TrimRight(strings.Join(parts, " "), " ") }

// reply makes a line without an id of text.
func reply(text string) string { return protocol.Reply("", text) }

func callLine(id int64, property, value string) string {
	return join("CALL", strconv.FormatInt(id, 10), property, value)
}

func number(n int) string { return strconv.Itoa(n) }

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

func trueFalse(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

// millis writes a time in milliseconds.
func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64)
}

// unix writes a moment in seconds since 1970; 0 for none.
func unix(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// seconds returns how long a call was up, or is until now.
func seconds(started, stopped, now time.Time) int {
	if started.IsZero() {
		return 0
	}
	if stopped.IsZero() {
		stopped = now
	}
	return int(max(stopped.Sub(started), 0) / time.Second)
}

func encryptionOf(s middleware.SessionSnapshot) string {
	if s.Audio.Codec == "" {
		return ""
	}
	return join(constant(s.Audio.Encryption.String()), s.Audio.Suite)
}

func holdOf(s middleware.SessionSnapshot) string {
	switch {
	case s.OnHoldByLocal && s.OnHoldByRemote:
		return "BOTH"
	case s.OnHoldByLocal:
		return "LOCAL"
	case s.OnHoldByRemote:
		return "REMOTE"
	}
	return "NONE"
}

// statsOf writes what was measured on a call's sound, as pairs of name and
// number; times are in milliseconds.
func statsOf(s *middleware.Session) string {
	st := s.Stats()
	count := func(n uint64) string { return strconv.FormatUint(n, 10) }
	return join(
		"PACKETS_SENT", count(st.PacketsSent), "PACKETS_RECEIVED", count(st.PacketsReceived),
		"LOST", strconv.FormatInt(st.Lost, 10), "LATE", count(st.Late),
		"JITTER", millis(st.Jitter), "RTT", millis(st.RTT), "BUFFER", millis(st.BufferDelay),
		"CONCEALED", millis(st.Concealed), "RECOVERED", millis(st.Recovered),
		"REMOTE_LOST", strconv.FormatInt(st.RemoteLost, 10), "REMOTE_JITTER", millis(st.RemoteJitter),
		"REFUSED", count(st.Refused),
	)
}

// devicesOf lists the variables that hold sound devices.
func devicesOf(a middleware.AudioSnapshot) map[string]string {
	return map[string]string{"AUDIO_IN": a.Input, "AUDIO_OUT": a.Output, "RINGER": a.Alert}
}
