package gui

import (
	"strconv"
	"time"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
)

func fromSeconds(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// timeChoices lists times in seconds; now is always among them.
func timeChoices(now time.Duration, list ...int) []viewmodel.Choice {
	var choices []viewmodel.Choice
	found := false
	for _, n := range list {
		choices = append(choices, viewmodel.Choice{Value: strconv.Itoa(n), Label: timeText(n)})
		found = found || time.Duration(n)*time.Second == now
	}
	if !found {
		n := int(now / time.Second)
		choices = append(choices, viewmodel.Choice{Value: strconv.Itoa(n), Label: timeText(n)})
	}
	return choices
}

func timeText(n int) string {
	if n%60 == 0 {
		return i18n.N("1 minute", "%d minutes", n/60, plural(n/60)...)
	}
	return i18n.T("%d seconds", n)
}

func plural(n int) []any {
	if n == 1 {
		return nil
	}
	return []any{n}
}

// The names of transports are the same in every language.
const (
	udpName = "UDP"
	tcpName = "TCP"
	tlsName = "TLS"
)

func transports() []viewmodel.Choice {
	return []viewmodel.Choice{
		{Value: "auto", Label: i18n.T("Automatic")}, {Value: "udp", Label: udpName}, {Value: "tcp", Label: tcpName}, {Value: "tls", Label: tlsName},
	}
}

func encryptions() []viewmodel.Choice {
	return []viewmodel.Choice{
		{Value: "prefer", Label: i18n.T("Where the other side can")}, {Value: "require", Label: i18n.T("Always, or no call")}, {Value: "off", Label: i18n.T("Never")},
	}
}

func digitModes() []viewmodel.Choice {
	return []viewmodel.Choice{
		{Value: "auto", Label: i18n.T("Automatic")}, {Value: "rfc4733", Label: i18n.T("In the sound stream (RFC 4733)")}, {Value: "info", Label: i18n.T("As SIP INFO")},
	}
}

func packetTimes() []viewmodel.Choice {
	list := []viewmodel.Choice{{Value: "0", Label: i18n.T("As in Preferences")}}
	for _, n := range []int{10, 20, 30, 40, 60} {
		list = append(list, viewmodel.Choice{Value: strconv.Itoa(n), Label: i18n.T("%d ms", n)})
	}
	return list
}
