package interop

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/media/mediatest"
)

// TestConference joins a phone of another make and a Parley at the desk of a third
// one, whose microphone is off at first, so that each of the two hears the other
// alone. One leaves and comes back; in the end the microphone is on.
func TestConference(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	c := conference{
		hub:   startPhone(t, k, phoneConfig{User: "c-hub"}),
		guest: startBaresip(t, k, baresipConfig{User: "c-guest", Codecs: "pcma"}),
		desk:  startPhone(t, k, phoneConfig{User: "c-desk"}),
	}
	fairly(t, func() (time.Duration, error) { return c.hold(t) })
}

// A conference is who takes part in one.
type conference struct {
	hub, desk *phone
	guest     *baresip // its voice ends after signalLength, and its call too
}

// hold brings up both calls, and ends them. It returns how late the machine was
// and what was heard wrong.
func (c conference) hold(t *testing.T) (time.Duration, error) {
	hub, desk, guest := c.hub, c.desk, c.guest
	dir := t.TempDir()
	leg, all := filepath.Join(dir, "leg.wav"), filepath.Join(dir, "all.wav")

	hub.do(t, "MUTE ON")
	toDesk := hub.dial(t, desk.config.User)
	in := desk.ringing(t)
	desk.do(t, "ALTER CALL %s ANSWER", in)
	hub.awaitStatus(t, toDesk, "INPROGRESS")
	toGuest := hub.dial(t, guest.address())
	hub.awaitStatus(t, toGuest, "INPROGRESS")
	hub.is(t, toDesk, "LOCALHOLD")
	hub.do(t, "ALTER CALL %s JOIN_CONFERENCE %s", toGuest, toDesk)
	hub.is(t, toDesk, "INPROGRESS")
	hub.do(t, "ALTER CALL %s RECORD %s", toGuest, leg)
	hub.do(t, "ALTER CONFERENCE RECORD %s", all)
	joined := desk.playedSoFar(t)
	late := talk(5500 * time.Millisecond)
	hub.do(t, "ALTER CONFERENCE STOP_RECORD")
	hub.do(t, "ALTER CALL %s STOP_RECORD", toGuest)
	parted := desk.playedSoFar(t)

	hub.do(t, "ALTER CALL %s LEAVE_CONFERENCE", toDesk)
	hub.is(t, toDesk, "LOCALHOLD")
	hub.is(t, toGuest, "INPROGRESS")
	talk(500 * time.Millisecond)
	apart := desk.playedSoFar(t)
	late = max(late, talk(700*time.Millisecond))
	together := desk.playedSoFar(t)
	hub.do(t, "ALTER CALL %s JOIN_CONFERENCE %s", toDesk, toGuest)
	hub.is(t, toDesk, "INPROGRESS")
	back := desk.playedSoFar(t)
	late = max(late, talk(4500*time.Millisecond))
	hub.do(t, "MUTE OFF")
	unmuted := desk.playedSoFar(t)
	late = max(late, talk(3*time.Second))
	hub.do(t, "ALTER CONFERENCE HANGUP")
	hub.awaitStatus(t, toGuest, "FINISHED")
	hub.awaitStatus(t, toDesk, "FINISHED")
	if got := hub.do(t, "GET CONFERENCE STATUS"); !strings.HasSuffix(got, "NONE") {
		t.Errorf("after the end: %s, want none", got)
	}

	heard := load(t, desk.played)
	const left, right = 0, 1
	_, first := hear(t, "the desk hears the guest", guest.said, heard.between(joined, parted), 0)
	_, again := hear(t, "the desk hears the guest again", guest.said, heard.between(back, unmuted), 0)
	_, says := hear(t, "the guest's leg: what it says", guest.said, load(t, leg), right)
	_, hears := hear(t, "the guest's leg: what it hears", desk.said, load(t, leg), left)
	mustNotHear(t, "the desk hears itself", desk.said, heard.between(joined, parted), 0)
	mustNotHear(t, "the guest hears itself", guest.said, load(t, leg), left)
	mustBeSilent(t, "the conference: us, muted", load(t, all), left)
	return late, errors.Join(
		first, again, says, hears, silent("the desk on hold", heard.between(apart, together), 0),
		among(t, "the desk hears the guest among two", guest.said, heard.from(unmuted), 0),
		among(t, "the desk hears the hub among two", hub.said, heard.from(unmuted), 0),
		among(t, "the conference: the guest", guest.said, load(t, all), right),
		among(t, "the conference: the desk", desk.said, load(t, all), right),
	)
}

// between is what came from one time to another.
func (r recording) between(from, to time.Duration) recording {
	cut := r.from(from)
	for i, c := range cut.channels {
		cut.channels[i] = c[:min(int((to-from).Seconds()*float64(r.rate)), len(c))]
	}
	return cut
}

// silent returns an error unless one channel of the recording is.
func silent(who string, rec recording, channel int) error {
	if level := 20 * math.Log10(mediatest.RMS(rec.channels[channel])+1e-9); level > -50 {
		return fmt.Errorf("%s: %s has a level of %.1f dB, want silence", who, rec.name, level)
	}
	return nil
}

// among returns an error unless one channel of the recording holds the signal
// beside another one of about the same loudness.
func among(t testing.TB, who string, said signal, rec recording, channel int) error {
	t.Helper()
	const few = 7 // windows
	r := mediatest.Compare(at(said.samples, rec.rate), rec.channels[channel], rec.rate)
	t.Logf("%s: correlation %.3f over %d windows, %d gaps", who, r.MedianCorrelation, r.Windows, r.Gaps)
	if r.Windows >= few && r.MedianCorrelation >= math.Sqrt2/3 {
		return nil
	}
	keep(t, rec)
	return fmt.Errorf("%s: %s holds the signal with a median correlation of %.3f over %d windows, want %.2f over %d",
		who, rec.name, r.MedianCorrelation, r.Windows, math.Sqrt2/3, few)
}
