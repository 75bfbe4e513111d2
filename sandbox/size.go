package sandbox

// Size returns about how many bytes d takes to keep.
func (d Display) Size() int64 { return int64(sizeOf(d.Data) + sizeOf(d.Metadata)) }

// sizeOf adds up a decoded JSON value.
func sizeOf(v map[string]any) int {
	n := 16
	for k, e := range v {
		n += len(k) + valueSize(e)
	}
	return n
}

func valueSize(v any) int {
	switch v := v.(type) {
	case string:
		return 16 + len(v)
	case map[string]any:
		return sizeOf(v)
	case []any:
		n := 16
		for _, e := range v {
			n += valueSize(e)
		}
		return n
	default:
		return 16
	}
}
