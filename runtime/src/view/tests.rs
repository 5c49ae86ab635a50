use super::*;
use ndarray::{Array2, Array3, ArrayD, Axis, arr0, s};
use num_complex::Complex;

/// The view must copy to what ndarray says the array is, and look the same as an ndarray again.
fn check<T: Element, D: Dimension>(view: ArrayView<'_, T, D>, class: LayoutClass) {
    let r = TensorRef::from(view.clone());
    assert_eq!(r.layout_class(), class, "{r:?}");
    let copy = r.to_tensor().unwrap();
    assert_eq!(copy.as_array::<T>().unwrap(), view.view().into_dyn());
    assert_eq!(r.as_array::<T>().unwrap(), view.view().into_dyn());
    let reached: Vec<usize> = view.iter().map(|x| std::ptr::from_ref(x).addr()).collect();
    let expected = match (reached.iter().min(), reached.iter().max()) {
        (Some(low), Some(high)) => *low..high + size_of::<T>(),
        _ => r.byte_range().start..r.byte_range().start,
    };
    assert_eq!(r.byte_range(), expected);
}

fn cube<T: Element>(value: impl Fn(usize) -> T) -> Array3<T> {
    Array3::from_shape_fn((3, 4, 5), |(i, j, k)| value(20 * i + 5 * j + k))
}

#[test]
fn strided_views_copy_exactly() {
    fn all<T: Element>(value: impl Fn(usize) -> T) {
        let a = cube(value);
        check(a.view(), LayoutClass::RowMajor);
        check(a.view().reversed_axes(), LayoutClass::Strided);
        check(a.slice(s![.., ..;-1, 1..;2]), LayoutClass::Strided);
        check(a.slice(s![..;-1, ..;-2, ..;-1]), LayoutClass::Strided);
        check(a.slice(s![1, .., ..]), LayoutClass::RowMajor);
        check(a.slice(s![.., 2..3, ..]), LayoutClass::Strided);
        check(a.slice(s![1..1, .., ..]), LayoutClass::RowMajor);
        check(a.index_axis(Axis(2), 0).broadcast((2, 3, 4)).unwrap(), LayoutClass::Strided);
        check(a.view().permuted_axes([1, 0, 2]).into_dyn(), LayoutClass::Strided);
    }
    all(|n| n as u8);
    all(|n| n % 3 == 0);
    all(|n| n as i16 - 30);
    all(|n| n as f32);
    all(|n| n as f64);
    all(|n| Complex::new(n as f32, -1.0));
    all(|n| Complex::new(n as f64, -1.0));
}

#[test]
fn rank_zero_and_high_ranks() {
    check(arr0(7i64).view(), LayoutClass::RowMajor);
    let shape = [2usize; 11];
    let a = ArrayD::from_shape_fn(IxDyn(&shape), |i| i.slice().iter().fold(0, |n, &b| 2 * n + b as u32));
    check(a.view(), LayoutClass::RowMajor);
    check(a.view().reversed_axes(), LayoutClass::Strided);
}

#[test]
fn strides_of_axes_of_extent_one_do_not_matter() {
    let a = Array2::<f32>::zeros((4, 6));
    assert_eq!(TensorRef::from(a.slice(s![..;-1, ..]).slice(s![2..3, ..])).layout_class(), LayoutClass::RowMajor);
}

#[test]
fn overlap_is_by_address() {
    let mut a = Array2::<f32>::zeros((4, 6));
    let (top, bottom) = a.view().split_at(Axis(0), 2);
    assert!(!TensorRef::from(top).overlaps(&bottom.into()));
    assert!(TensorRef::from(top).overlaps(&a.view().into()));
    assert!(!TensorRef::from(a.slice(s![0..0, ..])).overlaps(&top.into()));
    let m = TensorMut::from(a.slice_mut(s![..;-1, ..]));
    assert_eq!((m.strides(), m.is_row_major()), (&[-6isize, 1][..], false));
}

#[test]
fn small_ranks_stay_on_the_stack() {
    let a = cube(|n| n as f64);
    let r = TensorRef::from(&a);
    assert!(!r.shape.spilled() && !r.strides.spilled());
}

#[test]
fn permuting_is_transposing() {
    let a = cube(|n| n as i32);
    let t = TensorRef::from(&a).permuted(&[2, 0, 1]).to_tensor().unwrap();
    assert_eq!(t.as_array::<i32>().unwrap(), a.view().permuted_axes([2, 0, 1]).into_dyn());
}
