//! A simulated sensor, in a room with a radiator and a thermostat. A driver for a real sensor would take its place.

use core::fmt;

/// Hundredths of a degree Celsius.
#[derive(Clone, Copy)]
pub struct Celsius(pub i16);

impl fmt::Display for Celsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let hundredths = self.0.unsigned_abs();
        // No float: formatting one takes more flash than the rest of this program.
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// Thousandths of a degree.
pub struct Sensor {
    room: i32,
    radiator: i32,
    heating: bool,
    noise: u32,
    is_high: bool,
}

impl Default for Sensor {
    fn default() -> Sensor {
        Sensor { room: 20_500, radiator: 24_000, heating: true, noise: 1, is_high: false }
    }
}

impl Sensor {
    pub fn sample(&mut self) -> Celsius {
        self.heating = self.room < if self.heating { 22_600 } else { 21_200 };
        self.radiator += (if self.heating { 42_000 } else { 14_000 } - self.radiator) / 16;
        self.room += (self.radiator - self.room) / 128;
        self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (self.noise >> 26) as i32 - 32;
        Celsius(((self.room + noise) / 10) as i16)
    }

    /// Returns whether the alarm goes on or off with this sample.
    pub fn alarm(&mut self, celsius: Celsius) -> Option<bool> {
        let is_high = celsius.0 > if self.is_high { 2200 } else { 2250 };
        let changed = is_high != self.is_high;
        self.is_high = is_high;
        changed.then_some(is_high)
    }
}
