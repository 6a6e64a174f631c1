;; The two inner loops of `resize.ts`, four values at a time. `npm run build:resize` makes resize-wasm.ts of this.
(module
  (memory (export "memory") 1)

  ;; to[i] = (1 - weight) top[i] + weight bottom[i]: `count` bytes to float32, in steps of sixteen; up to fifteen more are read
  ;; and written.
  (func (export "blend")
    (param $top i32) (param $bottom i32) (param $count i32) (param $weight f32) (param $to i32)
    (local $end i32) (local $w v128) (local $v v128)
    (local $a v128) (local $b v128) (local $a16 v128) (local $b16 v128)
    (local.set $w (f32x4.splat (local.get $weight)))
    (local.set $v (f32x4.splat (f32.sub (f32.const 1) (local.get $weight))))
    (local.set $end (i32.add (local.get $top) (local.get $count)))
    (loop $next
      (local.set $a (v128.load (local.get $top)))
      (local.set $b (v128.load (local.get $bottom)))
      (local.set $a16 (i16x8.extend_low_i8x16_u (local.get $a)))
      (local.set $b16 (i16x8.extend_low_i8x16_u (local.get $b)))
      (v128.store (local.get $to) (f32x4.add
        (f32x4.mul (local.get $v) (f32x4.convert_i32x4_u (i32x4.extend_low_i16x8_u (local.get $a16))))
        (f32x4.mul (local.get $w) (f32x4.convert_i32x4_u (i32x4.extend_low_i16x8_u (local.get $b16))))))
      (v128.store offset=16 (local.get $to) (f32x4.add
        (f32x4.mul (local.get $v) (f32x4.convert_i32x4_u (i32x4.extend_high_i16x8_u (local.get $a16))))
        (f32x4.mul (local.get $w) (f32x4.convert_i32x4_u (i32x4.extend_high_i16x8_u (local.get $b16))))))
      (local.set $a16 (i16x8.extend_high_i8x16_u (local.get $a)))
      (local.set $b16 (i16x8.extend_high_i8x16_u (local.get $b)))
      (v128.store offset=32 (local.get $to) (f32x4.add
        (f32x4.mul (local.get $v) (f32x4.convert_i32x4_u (i32x4.extend_low_i16x8_u (local.get $a16))))
        (f32x4.mul (local.get $w) (f32x4.convert_i32x4_u (i32x4.extend_low_i16x8_u (local.get $b16))))))
      (v128.store offset=48 (local.get $to) (f32x4.add
        (f32x4.mul (local.get $v) (f32x4.convert_i32x4_u (i32x4.extend_high_i16x8_u (local.get $a16))))
        (f32x4.mul (local.get $w) (f32x4.convert_i32x4_u (i32x4.extend_high_i16x8_u (local.get $b16))))))
      (local.set $top (i32.add (local.get $top) (i32.const 16)))
      (local.set $bottom (i32.add (local.get $bottom) (i32.const 16)))
      (local.set $to (i32.add (local.get $to) (i32.const 64)))
      (br_if $next (i32.lt_u (local.get $top) (local.get $end)))))

  ;; to[x] = ((1 - share[x]) P + share[x] Q) factors + summands, where P and Q are the pixels, of three values, at the addresses
  ;; left[x] and right[x]; for `count` pixels. `normalisation` has the factors of red, green and blue and one more value, then
  ;; the summands. One value more than the last pixel's is read and written.
  (func (export "mix")
    (param $left i32) (param $right i32) (param $share i32) (param $count i32) (param $normalisation i32) (param $to i32)
    (local $end i32) (local $w v128) (local $factors v128) (local $summands v128)
    (local.set $factors (v128.load (local.get $normalisation)))
    (local.set $summands (v128.load offset=16 (local.get $normalisation)))
    (local.set $end (i32.add (local.get $left) (i32.shl (local.get $count) (i32.const 2))))
    (loop $next
      (local.set $w (v128.load32_splat (local.get $share)))
      (v128.store (local.get $to)
        (f32x4.add
          (f32x4.mul
            (f32x4.add
              (f32x4.mul (f32x4.sub (f32x4.splat (f32.const 1)) (local.get $w)) (v128.load (i32.load (local.get $left))))
              (f32x4.mul (local.get $w) (v128.load (i32.load (local.get $right)))))
            (local.get $factors))
          (local.get $summands)))
      (local.set $left (i32.add (local.get $left) (i32.const 4)))
      (local.set $right (i32.add (local.get $right) (i32.const 4)))
      (local.set $share (i32.add (local.get $share) (i32.const 4)))
      (local.set $to (i32.add (local.get $to) (i32.const 12)))
      (br_if $next (i32.lt_u (local.get $left) (local.get $end)))))
)
