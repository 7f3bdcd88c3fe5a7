package codec

// Tables of ITU-T G.722 section 3 and its annexes, for 64 kbit/s.

// qmfCoefficients are one half of the symmetric QMF (table 4), scaled to a gain
// of 4096.
var qmfCoefficients = [12]int{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// lowDecisions are the decision levels of the low band, for a step of 4096 (Q6).
var lowDecisions = [30]int{
	0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650,
	714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
}

// lowPositive and lowNegative are the codes of the intervals (ILP and ILN).
var (
	lowPositive = [30]byte{
		61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
		46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32,
	}
	lowNegative = [30]byte{
		63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
		18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4,
	}
)

// lowValues6 are the differences that the 6-bit codes stand for (QM6).
var lowValues6 = [64]int{
	-136, -136, -136, -136, -24808, -21904, -19008, -16704,
	-14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
	-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576,
	-3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
	24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192,
	10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
	4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032,
	1688, 1360, 1040, 728, 432, 136, -432, -136,
}

// lowValues4 and lowScales are what the upper 4 bits of a low-band code stand
// for, and by how much they move the scale (QM4; WL by RL42).
var (
	lowValues4 = [16]int{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200,
		20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	lowScales = [16]int{
		-60, 3042, 1198, 538, 334, 172, 58, -30,
		3042, 1198, 538, 334, 172, 58, -30, -60,
	}
)

// highDecision is the decision level of the high band, for a step of 4096.
const highDecision = 564

// highValues and highScales are what the high-band codes stand for, and by how
// much they move the scale (QM2; WH by RH2).
var (
	highValues = [4]int{-7408, -1616, 7408, 1616}
	highScales = [4]int{798, -214, 798, -214}
)

// antilog is 2^(i/32) for a mantissa of 11 bits (ILB).
var antilog = [32]int{
	2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383,
	2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
	2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371,
	3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
}
