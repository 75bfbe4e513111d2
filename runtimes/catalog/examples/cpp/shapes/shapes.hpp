#pragma once

#include <numbers>

struct Shape {
    virtual ~Shape() = default;
    virtual const char* name() const = 0;
    virtual double area() const = 0;
};

class Circle : public Shape {
    double radius;

public:
    explicit Circle(double radius) : radius(radius) {}
    const char* name() const override { return "circle"; }
    double area() const override { return std::numbers::pi * radius * radius; }
};

class Rectangle : public Shape {
    double width, height;

public:
    Rectangle(double width, double height) : width(width), height(height) {}
    const char* name() const override { return "rectangle"; }
    double area() const override { return width * height; }
};
