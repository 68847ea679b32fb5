// What became of each layer that was created while the fast layers were on.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fastcaffe {

// A line of the listing, for as long as its layer lives. What it runs on is known once it has run.
class Listed {
 public:
  Listed(const std::string& type, const std::string& name);
  ~Listed();
  Listed(const Listed&) = delete;

  // Tells on what a pass ("forward", "backward data", ...) runs: the name of a kernel, or "stock: why"; `more` goes
  // behind it.
  void runs(const char* pass, std::string_view on, std::string_view more = {});

 private:
  friend std::string listing();
  struct Line {
    std::string type, name;
    std::map<std::string, std::string> passes;
  };
  struct Told {
    const char* pass;
    std::string on, more;
  };
  static std::map<unsigned long, Line>& lines();
  unsigned long number_;
  std::vector<Told> told_;  // what the line says: a pass mostly runs on what it has run on before
};

// All lines: type, name, then "pass=kernel" for each pass that has run, separated by tabs; a line each.
std::string listing();

}  // namespace fastcaffe
