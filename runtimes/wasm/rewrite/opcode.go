package rewrite

// immediate is the form of what follows an opcode.
type immediate uint8

const (
	immInvalid   immediate = iota // the engine does not have this opcode
	immNone                       // nothing
	immBlock                      // a block type
	immLoop                       // a block type; this is a loop header
	immIndex                      // one index
	immIndexes                    // two indexes
	immType                       // the index of a type
	immTypeTable                  // the indexes of a type and a table
	immFunc                       // the index of a function
	immGlobal                     // the index of a global
	immTable                      // a branch table
	immTry                        // a block type and catch clauses
	immSelect                     // one value type, counted
	immMem                        // alignment and offset
	immMemLane                    // alignment and offset, then a lane
	immZero                       // a zero byte: memory 0, or the order of a fence
	immZeros                      // two zero bytes
	immIndexZero                  // an index, then a zero byte
	immS32                        // i32.const
	immS64                        // i64.const
	immLane                       // one byte
	imm4                          // f32.const
	imm8                          // f64.const
	imm16                         // v128.const and i8x16.shuffle
)

// Opcodes that are written or need more than their immediates.
const (
	opLoop         = 0x03
	opIf           = 0x04
	opEnd          = 0x0b
	opCall         = 0x10
	opReturnCall   = 0x12 // and 0x13, return_call_indirect
	opReturnCallTo = 0x13
	opReturnRef    = 0x15
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableSet     = 0x26
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32LeS       = 0x4c
	opI32Sub       = 0x6b
	opI32ShrU      = 0x76
	opRefNull      = 0xd0
	opRefFunc      = 0xd2
	opMisc         = 0xfc
	opVector       = 0xfd
	opAtomic       = 0xfe

	voidBlock = 0x40 // the block type of a block without parameters and results
)

// The instructions of wazero 1.12 with the proposals that it can enable: tail
// calls, extended constants, threads, typed function references and exception
// handling with exnref. Legacy exceptions, relaxed SIMD, GC, memory64 and
// multiple memories are not among them.
var (
	plainOps  = makePlainOps()
	miscOps   = makeMiscOps()
	vectorOps = makeVectorOps()
	atomicOps = makeAtomicOps()
)

// set gives the opcodes from first to last the same form.
func set(t *[256]immediate, imm immediate, first, last int) {
	for i := first; i <= last; i++ {
		t[i] = imm
	}
}

func makePlainOps() (t [256]immediate) {
	set(&t, immNone, 0x00, 0x01)     // unreachable, nop
	t[0x02] = immBlock               // block
	t[opLoop] = immLoop              //
	t[opIf] = immBlock               //
	t[0x05] = immNone                // else
	t[0x08] = immIndex               // throw
	t[0x0a] = immNone                // throw_ref
	t[opEnd] = immNone               //
	set(&t, immIndex, 0x0c, 0x0d)    // br, br_if
	t[0x0e] = immTable               // br_table
	t[0x0f] = immNone                // return
	t[opCall] = immFunc              //
	t[0x11] = immTypeTable           // call_indirect
	t[opReturnCall] = immFunc        //
	t[opReturnCallTo] = immTypeTable // return_call_indirect
	set(&t, immType, 0x14, 0x15)     // call_ref, return_call_ref
	set(&t, immNone, 0x1a, 0x1b)     // drop, select
	t[0x1c] = immSelect              // select t
	t[0x1f] = immTry                 // try_table
	set(&t, immIndex, 0x20, 0x22)    // local.get, local.set, local.tee
	set(&t, immGlobal, 0x23, 0x24)   // global.get, global.set
	set(&t, immIndex, 0x25, 0x26)    // table.get, table.set
	set(&t, immMem, 0x28, 0x3e)      // loads and stores
	set(&t, immZero, 0x3f, 0x40)     // memory.size, memory.grow
	t[opI32Const] = immS32           //
	t[opI64Const] = immS64           //
	t[opF32Const] = imm4             //
	t[opF64Const] = imm8             //
	set(&t, immNone, 0x45, 0xc4)     // numeric instructions
	t[opRefNull] = immIndex          // a heap type: one byte below 0x80, or a type index
	t[0xd1] = immNone                // ref.is_null
	t[opRefFunc] = immFunc           //
	t[0xd4] = immNone                // ref.as_non_null
	set(&t, immIndex, 0xd5, 0xd6)    // br_on_null, br_on_non_null
	return t
}

func makeMiscOps() (t [256]immediate) {
	set(&t, immNone, 0x00, 0x07)  // saturating truncation
	t[0x08] = immIndexZero        // memory.init: data segment, memory
	t[0x09] = immIndex            // data.drop
	t[0x0a] = immZeros            // memory.copy
	t[0x0b] = immZero             // memory.fill
	t[0x0c] = immIndexes          // table.init
	t[0x0d] = immIndex            // elem.drop
	t[0x0e] = immIndexes          // table.copy
	set(&t, immIndex, 0x0f, 0x11) // table.grow, table.size, table.fill
	return t
}

func makeVectorOps() (t [256]immediate) {
	set(&t, immNone, 0x00, 0xff)
	for _, op := range []int{ // numbers that the specification leaves free
		0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2,
		0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee,
	} {
		t[op] = immInvalid
	}
	set(&t, immMem, 0x00, 0x0b)     // loads and v128.store
	set(&t, imm16, 0x0c, 0x0d)      // v128.const, i8x16.shuffle
	set(&t, immLane, 0x15, 0x22)    // extract and replace lanes
	set(&t, immMemLane, 0x54, 0x5b) // loads and stores of one lane
	set(&t, immMem, 0x5c, 0x5d)     // v128.load32_zero, v128.load64_zero
	return t
}

func makeAtomicOps() (t [256]immediate) {
	set(&t, immMem, 0x00, 0x02) // notify, wait
	t[0x03] = immZero           // fence
	set(&t, immMem, 0x10, 0x4e)
	return t
}
