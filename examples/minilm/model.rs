//! The weights of a sentence encoder, as `minilm.ein` takes them.

use ein::{Binder, Function, Tensor, TensorRef, io};
use std::path::Path;

type Error = Box<dyn std::error::Error>;

/// Parameters of `minilm.ein` that are tensors of the file.
const EMBEDDINGS: [(&str, &str); 5] = [
    ("word", "word_embeddings.weight"),
    ("position", "position_embeddings.weight"),
    ("kind", "token_type_embeddings.weight"),
    ("g0", "LayerNorm.weight"),
    ("c0", "LayerNorm.bias"),
];

/// Parameters that are stacked from one tensor of each layer, and how their axes are made of the file's: `h` heads of `e` components are
/// one axis there.
const LAYERS: [(&str, &str, &str); 16] = [
    ("WQ", "attention.self.query.weight", "hed"),
    ("bQ", "attention.self.query.bias", "he"),
    ("WK", "attention.self.key.weight", "hed"),
    ("bK", "attention.self.key.bias", "he"),
    ("WV", "attention.self.value.weight", "hed"),
    ("bV", "attention.self.value.bias", "he"),
    ("WO", "attention.output.dense.weight", "dhe"),
    ("bO", "attention.output.dense.bias", "d"),
    ("g1", "attention.output.LayerNorm.weight", "d"),
    ("c1", "attention.output.LayerNorm.bias", "d"),
    ("W1", "intermediate.dense.weight", "fd"),
    ("b1", "intermediate.dense.bias", "f"),
    ("W2", "output.dense.weight", "df"),
    ("b2", "output.dense.bias", "d"),
    ("g2", "output.LayerNorm.weight", "d"),
    ("c2", "output.LayerNorm.bias", "d"),
];

/// The weights, those of the embeddings mapped from the file.
pub(crate) struct Weights {
    embeddings: Vec<(&'static str, io::Loaded)>,
    layers: Vec<(&'static str, Tensor)>,
}

impl Weights {
    /// Reads a `.safetensors` file of an encoder with this many layers and attention heads.
    ///
    /// # Errors
    /// A file that cannot be read, or a tensor that it lacks.
    pub(crate) fn load(path: &Path, n_layers: usize, n_heads: usize) -> Result<Self, Error> {
        let load = |key: &str| io::load(&format!("{}:{key}", path.display()));
        let embedding = |(name, key): (&'static str, &str)| Ok((name, load(&format!("embeddings.{key}"))?));
        let embeddings = EMBEDDINGS.into_iter().map(embedding).collect::<Result<Vec<_>, Error>>()?;
        let layer = |(name, key, axes): (&'static str, &str, &str)| {
            let parts = (0..n_layers).map(|l| load(&format!("encoder.layer.{l}.{key}"))).collect::<Result<Vec<_>, _>>()?;
            Ok((name, stack(&parts, axes, n_heads)?))
        };
        let layers = LAYERS.into_iter().map(layer).collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { embeddings, layers })
    }

    /// Gives every weight to `encode` as a constant.
    ///
    /// # Errors
    /// Weights that are not those of such an encoder.
    pub(crate) fn bind(&self, encode: &Function) -> Result<Binder, Error> {
        let embeddings = self.embeddings.iter().map(|(name, loaded)| (*name, loaded.view()));
        let layers = self.layers.iter().map(|(name, tensor)| (*name, TensorRef::from(tensor)));
        Ok(embeddings.chain(layers).try_fold(encode.bind(), |binder, (name, view)| binder.constant(name, view))?)
    }
}

/// The tensors of all layers one after the other, an axis of `h` times `e` split into two.
fn stack(parts: &[io::Loaded], axes: &str, n_heads: usize) -> Result<Tensor, Error> {
    let mut values: Vec<f32> = Vec::new();
    for part in parts {
        values.extend(part.view().as_array::<f32>()?.iter());
    }
    let mut extents = parts.first().map_or(&[][..], io::Loaded::shape).iter();
    let mut shape = vec![parts.len()];
    for axis in axes.chars().filter(|axis| *axis != 'e') {
        let extent = *extents.next().ok_or("a weight has too few axes")?;
        match axis {
            'h' => shape.extend([n_heads, extent / n_heads]),
            _ => shape.push(extent),
        }
    }
    Ok(Tensor::from_vec(&shape, values)?)
}
