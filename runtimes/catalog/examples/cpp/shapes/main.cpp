// Virtual functions and smart pointers, in two files.
#include <cstdio>
#include <memory>
#include <vector>

#include "shapes.hpp"

int main() {
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Circle>(1.5));
    shapes.push_back(std::make_unique<Rectangle>(2, 3.5));
    double total = 0;
    for (const auto& shape : shapes) {
        std::printf("%-10s %6.2f\n", shape->name(), shape->area());
        total += shape->area();
    }
    std::printf("%-10s %6.2f\n", "together", total);
}
