#include "listing.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace fastcaffe {
namespace {

std::mutex& mutex() {
  static std::mutex* one = new std::mutex;  // never destroyed: a layer may outlive this library's static objects
  return *one;
}

}  // namespace

std::map<unsigned long, Listed::Line>& Listed::lines() {
  static auto* all = new std::map<unsigned long, Line>;
  return *all;
}

Listed::Listed(const std::string& type, const std::string& name) {
  static unsigned long created = 0;
  const std::lock_guard<std::mutex> lock(mutex());
  number_ = created++;
  lines()[number_] = {type, name, {}};
}

Listed::~Listed() {
  const std::lock_guard<std::mutex> lock(mutex());
  lines().erase(number_);
}

void Listed::runs(const char* pass, std::string_view on, std::string_view more) {
  const auto same = [pass](const Told& told) { return told.pass == pass || !std::strcmp(told.pass, pass); };
  auto told = std::find_if(told_.begin(), told_.end(), same);
  if (told == told_.end()) told = told_.insert(told, Told{pass, "", ""});
  if (told->on == on && told->more == more) return;
  told->on = on;
  told->more = more;
  const std::lock_guard<std::mutex> lock(mutex());
  lines()[number_].passes[pass] = told->on + told->more;
}

std::string listing() {
  const std::lock_guard<std::mutex> lock(mutex());
  std::string text;
  for (const auto& numbered : Listed::lines()) {
    text += numbered.second.type + "\t" + numbered.second.name;
    for (const auto& pass : numbered.second.passes) text += "\t" + pass.first + "=" + pass.second;
    text += "\n";
  }
  return text;
}

}  // namespace fastcaffe
