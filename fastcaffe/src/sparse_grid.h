// Where the numbers of a convolution's input lie for sparse lanes: plane by plane, places that are a stride apart side
// by side. Then outputs that are neighbours see neighbouring places whatever the stride, through every synapse.
//
// Of the gradient that flows back over steps, it is outputs that are a stride apart that see neighbouring places: they
// are a phase, and each phase has its own synapses.
#pragma once

#include <cstdint>
#include <vector>

#include "convolution_shape.h"
#include "sparse_lanes_kernels.h"
#include "sparse_pattern.h"

namespace fastcaffe {

// Rows or columns of a convolution or, `turned`, of the gradient that flows back through one: there the input is the
// top's gradient, the output that of the bottom.
class GridAxis {
 public:
  struct Tap {
    int tap, place;   // output i of the phase meets place + i
    int first, last;  // the outputs of the phase for which that is no padding
  };

  GridAxis(int in, int out, int kernel, int stride, int pad, int dilation, bool turned);

  int size() const { return size_ * in_step_; }  // places, the zeros around counted
  int place(int input) const { return input % in_step_ * size_ + before_ + input / in_step_; }
  int phases() const { return static_cast<int>(taps_.size()); }
  int outputs(int phase) const { return (out_ - phase + phases() - 1) / phases(); }
  // In the order of the places that they meet.
  const std::vector<Tap>& taps(int phase) const { return taps_[phase]; }

 private:
  int out_, in_step_, before_ = 0, size_ = 0;
  std::vector<std::vector<Tap>> taps_;
};

class SparseGrid {
 public:
  SparseGrid(const ConvolutionShape& shape, bool turned);

  // Some rows of an output plane: which pixels, and which tiles of each phase.
  struct Band {
    int pixel, pixels;
    std::vector<std::int32_t> tile;  // of each phase the first, and the end
  };
  struct Phase {
    int row_phase, column_phase, columns, begin;  // begin: place of its first output
  };

  // The synapses that exist, for each phase; an output has as many parts as its phase has rows of taps.
  void list(const Pattern& pattern, std::vector<SynapseLists>* lists) const;
  int parts(const Phase& phase) const { return static_cast<int>(rows_.taps(phase.row_phase).size()); }

  // Vectors of an input plane, and from one of its rows to the next.
  int plane() const { return rows_.size() * columns_.size(); }
  int row() const { return columns_.size(); }

  static bool possible(const ConvolutionShape& shape, bool turned);

  std::vector<std::int32_t> place, zeros;  // of an input plane's pixels, and of its padding
  std::vector<std::int32_t> out_place;     // of an output plane's pixels
  std::vector<Phase> phases;
  std::vector<SparseTile> tiles;
  std::vector<Band> bands;

 private:
  void add_band(int first, int last);
  void add_tiles(const Phase& phase, int first, int last);

  ConvolutionShape s_;
  bool turned_;
  GridAxis rows_, columns_;
};

}  // namespace fastcaffe
