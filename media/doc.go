// Package media is the voice engine: it joins sound devices to RTP streams.
//
// Inside the engine sound is mono float32 in [-1, 1] at [SampleRate], moved in
// frames of [FrameSamples], or halves of them where a call is to have little delay
// ([Params]). Three loops carry it, each the only user of its device:
//
//   - the capture loop reads the microphone, mutes it, measures it and hands
//     each frame to every stream's encoder;
//   - the playback loop takes a frame from every stream's jitter buffer, adds
//     tones and writes the sum to the speaker;
//   - the alert loop plays the ring on a device of its own.
//
// In a conference ([Engine.SetConference]) the playback loop leaves each member's
// frame for the capture loop, which gives the encoders the microphone and all
// members but the one who is to hear it. The way across adds 5 to 15 ms.
//
// A device is open only while somebody needs it: with no call and no ring all
// of them are closed. When one fails or vanishes, a paced null device takes its
// place within a frame and the calls go on; the engine looks for the lost
// device every second and goes back to it.
//
// The engine keeps no clock of its own. The devices, real or null, set the pace
// and the loops count samples. Nothing on the way of a frame allocates, logs or
// waits for anything but its device.
package media
