//! x
 use tract_onnx::prelude::*;
 use std::time::Instant;
 fn main()->TractResult<()>{
   for t in [16usize,24,32] {
     let m = tract_onnx::onnx().model_for_path("/work/main/models/bundles/nav_d32/net.onnx")?.with_input_fact(0, f32::fact([1,32,t,t]).into())?.into_optimized()?;
     if t==32 { for n in &m.nodes { println!("{} {}", n.name, n.op.name()); } }
     let p = m.into_runnable()?;
     let x = Tensor::zero::<f32>(&[1,32,t,t])?;
     let mut ts=vec![];
     for _ in 0..200 { let s=Instant::now(); let _o=p.run(tvec!(x.clone().into()))?; ts.push(s.elapsed().as_secs_f64()*1e3); }
     ts.sort_by(|a,b|a.partial_cmp(b).unwrap()); println!("tract {t} min {:.3} med {:.3}", ts[0], ts[100]);
   }
   Ok(())
 }
