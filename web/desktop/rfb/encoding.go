package rfb

// Encodings of rectangles, and the pseudo-encodings by which a client says what
// else it understands.
const (
	encRaw            = 0
	encCopyRect       = 1
	encRRE            = 2
	encHextile        = 5
	encZlib           = 6
	encTight          = 7
	encZRLE           = 16
	encJPEG           = 21
	encTightPNG       = -260
	encQuality9       = -23
	encQuality0       = -32
	encDesktopSize    = -223
	encLastRect       = -224
	encCursor         = -239
	encCompress9      = -247
	encCompress0      = -256
	encQEMUKey        = -258
	encQEMULED        = -261
	encDesktopName    = -307
	encExtendedSize   = -308
	encFence          = -312
	encContinuous     = -313
	encVMwareCursor   = 0x574d5664
	encExtendedCutStr = -0x3f5e1a32 // 0xc0a1e5ce
)

// watchable reports whether CopyServer knows how long a rectangle of an encoding
// is, and whether it tells nothing but the picture. The name of the screen is
// not for those who watch.
func watchable(e int32) bool {
	switch e {
	case encRaw, encCopyRect, encTight, encZRLE, encDesktopSize, encLastRect, encCursor, encExtendedSize, encFence, encContinuous:
		return true
	}
	return e >= encQuality0 && e <= encQuality9 || e >= encCompress0 && e <= encCompress9
}

// usable reports whether an encoding leads to no message from the client that
// CopyClient does not know. Extended mouse buttons do: with them a message of
// the pointer has another length.
func usable(e int32) bool {
	switch e {
	case encRRE, encHextile, encZlib, encJPEG, encTightPNG, encQEMUKey, encQEMULED, encDesktopName, encVMwareCursor, encExtendedCutStr:
		return true
	}
	return false
}
