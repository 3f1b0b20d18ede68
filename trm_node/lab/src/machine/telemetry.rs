//! What a machine's own sensors say while the planner runs: power, temperatures, GPU load, throttling.
//!
//! There are readers for a Jetson (INA3221, thermal zones, GPU, over-current events, and tegrastats where those can't
//! be read) and for a PC (RAPL). All read files under a root folder, which is `/` except in tests.

mod ina3221;
mod rails;
mod rapl;
pub mod readings;
mod recorder;
mod sensor;
pub mod sensors;
mod tegra;
pub mod tegrastats;
mod thermal;
